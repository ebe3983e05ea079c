import type { ComposeFile } from './compose-file.ts'
import { networksOf } from './references.ts'

/** Names whose values are secrets. */
const secret_names = /PASSWORD|SECRET|TOKEN|_KEYS?$|_AUTH$/

/**
 * What no service may do without. `raw` is the file before variables are put in: there a secret is
 * a variable, never a text of the file.
 */
export function hardeningProblems(file: ComposeFile, raw: ComposeFile): readonly string[] {
  return Object.entries(file.services).flatMap(([name, service]) => [
    ...(service.read_only ? [] : [`${name}: its file system is not read_only`]),
    ...(service.cap_drop.includes('ALL') ? [] : [`${name}: does not drop ALL capabilities`]),
    ...service.cap_add.map(capability => `${name}: adds the capability ${capability}`),
    ...(service.privileged ? [`${name}: is privileged`] : []),
    ...(service.security_opt.includes('no-new-privileges:true')
      ? []
      : [`${name}: lacks no-new-privileges`]),
    ...imageProblems(name, service.image, service.build !== undefined),
    ...Object.entries(raw.services[name]?.environment ?? {})
      .filter(
        ([variable, value]) =>
          secret_names.test(variable) && typeof value === 'string' && !/^\$\{|^\//.test(value),
      )
      .map(([variable]) => `${name}: ${variable} stands in the file; make it a variable of .env`),
  ])
}

function imageProblems(name: string, image: string | undefined, built: boolean): string[] {
  if (image === undefined) return [`${name}: has no image`]
  if (built || /:[\w.-]*\d[\w.-]*$|@sha256:[0-9a-f]{64}$/.test(image)) return []
  return [`${name}: ${image} names no version`]
}

/** Whoever is in a network with a part can reach it there: who that may be. */
export function isolationProblems(file: ComposeFile): readonly string[] {
  const members = (network: string) =>
    Object.entries(file.services)
      .filter(([, service]) => networksOf(service).includes(network))
      .map(([name]) => name)
      .toSorted()
  const wanted = { upstream: ['kong', 'mcp-server'], pages: ['console', 'kong'] }
  const strangers = Object.entries(wanted).flatMap(([network, expected]) =>
    members(network)
      .filter(name => !expected.includes(name))
      .map(
        name =>
          `${name}: is in the network ${network}, which is for ${expected.join(' and ')} alone`,
      ),
  )
  const listens = { 'mcp-server': '.upstream', console: '.pages' }
  const everywhere = Object.entries(listens).flatMap(([name, end]) => {
    const host = String(file.services[name]?.environment['HOST'] ?? '')
    return file.services[name] === undefined || host.endsWith(end)
      ? []
      : [`${name}: listens at "${host}", so others than Kong reach it; HOST should end in ${end}`]
  })
  return [...strangers, ...everywhere]
}
