import { parseDocument } from 'yaml'
import { databaseProblem } from './database-problem.ts'
import { rate_limiting_plugins } from './rate-limiting.ts'
import { type RateLimitingConfig, rate_limiting_config } from './rate-limiting-config.ts'
import { openRedisCounters } from './redis-counters.ts'
import { type Environment, isReference, resolveReference } from './vault-reference.ts'

interface Plugin {
  /** Such as `services[0].plugins[1]`. */
  readonly place: string
  readonly name: string
  readonly config: Readonly<Record<string, unknown>>
}

/**
 * What a configuration names that does not answer, each with its place: for one that will not start
 * anyway, so that its operator hears of everything at once. What cannot be read is left out, for that
 * is told by itself. Each database and each Redis is asked once.
 */
export async function unreachableParts(text: string, environment: Environment): Promise<string[]> {
  const yaml = parseDocument(text, { version: '1.1', merge: true })
  if (yaml.errors.length > 0) return []
  const found = new Map<string, Promise<string | undefined>>()
  for (const plugin of pluginsIn(yaml.toJS(), '')) {
    const { database_url } = plugin.config
    if (typeof database_url === 'string') {
      const config = { database_url: resolved(database_url, environment) }
      ask(found, config.database_url, plugin, () => databaseProblem(config))
    }
    const limits = redisLimits(plugin, environment)
    if (limits) ask(found, JSON.stringify(limits), plugin, () => redisProblem(limits))
  }
  return (await Promise.all(found.values())).filter(problem => problem !== undefined)
}

function ask(
  found: Map<string, Promise<string | undefined>>,
  what: string,
  { place }: Plugin,
  problem: () => Promise<string | undefined>,
): void {
  if (found.has(what)) return
  found.set(
    what,
    problem().then(text => (text === undefined ? undefined : `${place}.${text}`)),
  )
}

function* pluginsIn(value: unknown, place: string): Generator<Plugin> {
  if (Array.isArray(value))
    for (const [index, inner] of value.entries()) yield* pluginsIn(inner, `${place}[${index}]`)
  else if (typeof value === 'object' && value !== null) {
    const { name, config } = value as Record<string, unknown>
    if (typeof name === 'string' && typeof config === 'object' && config !== null)
      yield { place, name, config: config as Plugin['config'] }
    // `_ignore` holds settings that stand elsewhere too.
    for (const [key, inner] of Object.entries(value))
      if (key !== 'config' && !key.startsWith('_'))
        yield* pluginsIn(inner, place === '' ? key : `${place}.${key}`)
  }
}

/** Where a limit counts that nobody passes without its Redis. */
function redisLimits({ name, config }: Plugin, environment: Environment) {
  if (!rate_limiting_plugins.some(plugin => plugin.name === name)) return undefined
  const secrets = (_key: string, value: unknown) =>
    isReference(value) ? resolved(value, environment) : value
  const { data } = rate_limiting_config.safeParse(JSON.parse(JSON.stringify(config, secrets)))
  const counts = data?.policy === 'redis' && !data.fault_tolerant
  return counts ? (data.redis ?? undefined) : undefined
}

async function redisProblem(
  config: NonNullable<RateLimitingConfig['redis']>,
): Promise<string | undefined> {
  const counters = openRedisCounters(config, () => undefined)
  try {
    const reason = await counters.reach()
    return reason === undefined
      ? undefined
      : `config.redis: Redis at ${config.host}:${config.port} does not answer (${reason}): start it, or correct host and port`
  } finally {
    await counters.close()
  }
}

function resolved(value: string, environment: Environment): string {
  if (!isReference(value)) return value
  const found = resolveReference(value, environment)
  return 'value' in found ? found.value : ''
}
