import { z } from 'zod'
import { reference } from './document.ts'

const text = z.string().optional().catch(undefined)
const ref = reference.optional().catch(undefined)
const plugins = z.array(z.object({ name: text, service: ref, route: ref })).catch([])
const routes = z.array(z.object({ name: text, service: ref, plugins })).catch([])
const services = z.array(z.object({ name: text, routes, plugins })).catch([])

/** Only the names of a configuration, readable however wrong the rest of it is. */
const outline = z.object({ services, routes, plugins }).catch({
  services: [],
  routes: [],
  plugins: [],
})

interface Named {
  readonly place: string
  readonly name?: string | undefined
  readonly plugins: readonly { readonly name?: string | undefined }[]
}

/** Names given twice, references to nothing, and plugins that are set twice at one place. */
export function nameProblems(plain: unknown): string[] {
  const file = outline.parse(plain)
  const services: Named[] = file.services.map((each, n) => ({ ...each, place: `services[${n}]` }))
  const nested = file.services.flatMap((service, n) =>
    service.routes.map((each, m) => ({ ...each, place: `services[${n}].routes[${m}]` })),
  )
  const top = file.routes.map((each, n) => ({ ...each, place: `routes[${n}]` }))
  const routes: Named[] = [...nested, ...top]
  const problems = [...repeated('service', services), ...repeated('route', routes)]

  const find = (kind: 'service' | 'route', name: string | undefined, place: string) => {
    if (name === undefined) return undefined
    const found = (kind === 'service' ? services : routes).find(each => each.name === name)
    if (!found) problems.push(`${place}.${kind}: there is no ${kind} '${name}'`)
    return found
  }
  for (const { place, service } of top) find('service', service, place)
  const scopes = new Map<Named | undefined, (string | undefined)[]>()
  for (const each of [...services, ...routes]) {
    scopes.set(
      each,
      each.plugins.map(({ name }) => name),
    )
  }
  for (const [n, { name, service, route }] of file.plugins.entries()) {
    const place = `plugins[${n}]`
    if (service !== undefined && route !== undefined) {
      problems.push(`${place}: the local gateway knows no plugin of a service and a route together`)
    }
    const scope = find('route', route, place) ?? find('service', service, place)
    scopes.set(scope, [...(scopes.get(scope) ?? []), name])
  }
  for (const [scope, names] of scopes) {
    for (const name of twice(names)) {
      problems.push(`${scope?.place ?? 'the file'}: plugin '${name}' is set twice`)
    }
  }
  return problems
}

function repeated(kind: string, entities: readonly Named[]): string[] {
  return twice(entities.map(({ name }) => name)).map(name => `two ${kind}s are named '${name}'`)
}

function twice(names: readonly (string | undefined)[]): string[] {
  const again = names.filter((name, index) => name !== undefined && names.indexOf(name) < index)
  return [...new Set(again)].flatMap(name => name ?? [])
}
