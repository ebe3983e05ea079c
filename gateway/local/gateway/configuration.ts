import { parseDocument } from 'yaml'
import { declarativeConfig } from './document.ts'
import type { DeclarativeConfig } from './document.ts'
import { nameProblems } from './entity-names.ts'
import type { ExternalEntity, NativeEntity, PluginEntity, Surroundings } from './plugin-entity.ts'
import { describeIssues } from './problems.ts'
import type { RouteDescription } from './route.ts'

export interface Route extends RouteDescription {
  /** Those that run on this route, the highest priority first. */
  readonly plugins: readonly PluginEntity[]
}

export interface Configuration {
  readonly routes: readonly Route[]
  /** Those of the whole file: where no route matched, their later phases run. */
  readonly plugins: readonly PluginEntity[]
}

/** A configuration that will not start, with everything that is wrong with it. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(['the configuration of the gateway will not start:', ...problems].join('\n  - '))
    this.problems = problems
  }
}

/**
 * Reads Kong's declarative configuration (format 3.0, YAML). Throws {@link ConfigurationError} with
 * every problem: what Kong would refuse, and what Kong knows but the local gateway does not.
 */
export function loadConfiguration(text: string, surroundings: Surroundings): Configuration {
  // Kong's own reader speaks YAML 1.1: `on` is true, and `<<` merges.
  const yaml = parseDocument(text, { version: '1.1', merge: true })
  if (yaml.errors.length > 0) {
    throw new ConfigurationError(yaml.errors.map(({ message }) => message))
  }
  const plain = toPlain(yaml)
  const parsed = declarativeConfig(surroundings).safeParse(plain)
  const problems = [
    ...(parsed.success ? [] : describeIssues(parsed.error.issues)),
    ...nameProblems(plain),
  ]
  if (!parsed.success || problems.length > 0) throw new ConfigurationError(problems)
  return assemble(parsed.data)
}

function toPlain(yaml: ReturnType<typeof parseDocument>): unknown {
  try {
    return yaml.toJS()
  } catch (error) {
    // A merge of something that is no mapping, or aliases that multiply without end.
    throw new ConfigurationError([error instanceof Error ? error.message : String(error)])
  }
}

type ServiceEntry = DeclarativeConfig['services'][number]
type RouteEntry = DeclarativeConfig['routes'][number]
type PluginEntry = DeclarativeConfig['plugins'][number]

function assemble(file: DeclarativeConfig): Configuration {
  const on = (scope: string, owns: (plugin: PluginEntry) => boolean) =>
    enabled(file.plugins.filter(owns), scope)
  const plugins = on('', ({ service, route }) => service === undefined && route === undefined)

  const toRoute = (entry: RouteEntry, owner: ServiceEntry | undefined, place: string): Route => {
    const { name = place } = entry
    const of_service = `service:${owner?.name ?? place.replace(/\.routes.*/, '')}`
    const of_route = `route:${name}`
    return {
      name,
      paths: entry.paths,
      methods: entry.methods,
      hosts: entry.hosts,
      regex_priority: entry.regex_priority,
      strip_path: entry.strip_path,
      preserve_host: entry.preserve_host,
      service: owner?.service,
      plugins: effective([
        plugins,
        owner ? enabled(owner.plugins, of_service) : [],
        on(of_service, ({ service }) => service !== undefined && service === owner?.name),
        enabled(entry.plugins, of_route),
        on(of_route, ({ route }) => route !== undefined && route === entry.name),
      ]),
    }
  }
  const nested = file.services.flatMap((owner, n) =>
    owner.enabled
      ? owner.routes.map((entry, m) => toRoute(entry, owner, `services[${n}].routes[${m}]`))
      : [],
  )
  const top = file.routes.flatMap((entry, n) => {
    const owner =
      entry.service === undefined
        ? undefined
        : file.services.find(({ name }) => name === entry.service)
    return owner?.enabled === false ? [] : [toRoute(entry, owner, `routes[${n}]`)]
  })
  return { routes: [...nested, ...top], plugins: effective([plugins]) }
}

function enabled(
  plugins: readonly {
    readonly enabled: boolean
    readonly entity: NativeEntity | ExternalEntity
  }[],
  scope: string,
): PluginEntity[] {
  return plugins.filter(plugin => plugin.enabled).map(({ entity }) => ({ ...entity, scope }))
}

/** A plugin nearer to the route replaces the same plugin further away; what is left, by priority. */
function effective(levels: readonly (readonly PluginEntity[])[]): PluginEntity[] {
  const by_name = new Map(levels.flat().map(plugin => [plugin.name, plugin]))
  return [...by_name.values()].sort((left, right) => right.priority - left.priority)
}
