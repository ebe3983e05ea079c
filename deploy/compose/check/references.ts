import type { ComposeFile, ComposeService } from './compose-file.ts'
import { declaresHealthcheck, type Dockerfiles } from './dockerfiles.ts'

/** What services name of each other, of networks and volumes: that it is there, and that it can start. */
export function referenceProblems(file: ComposeFile, dockerfiles: Dockerfiles): readonly string[] {
  const problems: string[] = []
  const used = { networks: new Set<string>(), volumes: new Set<string>() }
  for (const [name, service] of Object.entries(file.services)) {
    for (const network of networksOf(service)) {
      used.networks.add(network)
      if (!(network in file.networks)) problems.push(`${name}: there is no network ${network}`)
    }
    for (const { source, kind } of volumesOf(service))
      if (kind === 'volume') {
        used.volumes.add(source)
        if (!(source in file.volumes)) problems.push(`${name}: there is no volume ${source}`)
      }
    problems.push(...dependencyProblems(name, service, file, dockerfiles))
  }
  for (const kind of ['networks', 'volumes'] as const)
    for (const name of Object.keys(file[kind]))
      if (!used[kind].has(name)) problems.push(`${kind}: nobody uses ${name}`)
  return [...problems, ...circles(file), ...portProblems(file)]
}

function dependencyProblems(
  name: string,
  service: ComposeService,
  { services }: ComposeFile,
  dockerfiles: Dockerfiles,
): string[] {
  const shared = /^service:(.+)$/.exec(service.network_mode ?? '')?.[1]
  if (shared !== undefined && !(shared in services))
    return [`${name}: there is no service ${shared} to share the network of`]
  return Object.entries(service.depends_on).flatMap(([other, { condition }]) => {
    const on = services[other]
    if (!on) return [`${name}: there is no service ${other} to depend on`]
    if (on.profiles.length > 0 && service.profiles.length === 0)
      return [
        `${name}: depends on ${other}, which is started with the profile ${on.profiles.join()} only`,
      ]
    if (condition === 'service_healthy' && !on.healthcheck && !declaresHealthcheck(on, dockerfiles))
      return [`${name}: waits for ${other} to be healthy, which has no health check`]
    return []
  })
}

/** A start order that goes round never begins. */
function circles({ services }: ComposeFile): string[] {
  const problems: string[] = []
  const done = new Set<string>()
  const visit = (name: string, way: readonly string[]): void => {
    if (way.includes(name)) {
      problems.push(
        `services wait for each other: ${[...way.slice(way.indexOf(name)), name].join(' → ')}`,
      )
      return
    }
    if (done.has(name)) return
    for (const other of Object.keys(services[name]?.depends_on ?? {})) visit(other, [...way, name])
    done.add(name)
  }
  for (const name of Object.keys(services)) visit(name, [])
  return problems
}

function portProblems({ services }: ComposeFile): string[] {
  const taken = new Map<string, string>()
  return Object.entries(services).flatMap(([name, { ports }]) =>
    ports.flatMap(port => {
      const [, address, host, container] = /^(\[[^\]]+\]|[\d.]+):(\d+):(\d+)$/.exec(port) ?? []
      if (address === undefined || host === undefined || container === undefined)
        return [`${name}: publishes "${port}"; write ADDRESS:PORT:PORT, or it is open to everybody`]
      const other = taken.get(host)
      taken.set(host, name)
      return other === undefined ? [] : [`${name}: port ${host} is published by ${other} too`]
    }),
  )
}

export function networksOf({ networks = [] }: ComposeService): readonly string[] {
  return Array.isArray(networks) ? networks : Object.keys(networks)
}

export interface Mount {
  readonly source: string
  readonly target: string
  readonly kind: 'bind' | 'volume'
}

export function volumesOf({ volumes }: ComposeService): readonly Mount[] {
  return volumes.map(volume => {
    const [source = '', target = ''] =
      typeof volume === 'string' ? volume.split(':') : [volume.source, volume.target]
    return { source, target, kind: /^[./~]/.test(source) ? 'bind' : 'volume' }
  })
}
