import { errorExit } from './error-exit.ts'
import { sharedRequestId } from './exchange.ts'
import type { Exchange, Instance } from './exchange.ts'
import { nativePlugin } from './native-plugin.ts'
import type { NativePlugin, Parts } from './native-plugin.ts'
import { judge } from './rate-limit-verdict.ts'
import { PERIODS, period_names, windowStart } from './rate-limit-windows.ts'
import { rate_limiting_config } from './rate-limiting-config.ts'
import type { RateLimitingConfig } from './rate-limiting-config.ts'
import { openRedisCounters } from './redis-counters.ts'
import { getRequestHeader } from './request-headers.ts'

/**
 * Kong's rate-limiting (3.9.3), and the same under the names and priorities that the Kong image
 * gives it further: Kong runs one instance of a plugin per request.
 */
export const rate_limiting_plugins: readonly NativePlugin[] = [
  rateLimiting('ip-rate-limiting', 1100),
  rateLimiting('rate-limiting', 910),
  rateLimiting('org-rate-limiting', 909),
  rateLimiting('tool-rate-limiting', 908),
]

function rateLimiting(name: string, priority: number): NativePlugin {
  return nativePlugin({
    name,
    priority,
    config: rate_limiting_config,
    referenceable: ['redis.username', 'redis.password'],
    notice: ({ sync_rate }) =>
      sync_rate === -1
        ? undefined
        : `a sync_rate of ${sync_rate} is for Kong only; here Redis is asked for every request`,
    start: (config, parts, scope) => start(name, config, parts, scope),
  })
}

function start(
  name: string,
  config: RateLimitingConfig,
  { counters: memory, log, now }: Parts,
  scope: string,
): Instance {
  const { fault_tolerant, hide_client_headers } = config
  const limits = period_names.flatMap(period => {
    const limit = config[period]
    return typeof limit === 'number' ? [{ period, limit }] : []
  })
  const redis =
    config.policy === 'redis' && config.redis
      ? openRedisCounters(config.redis, error => {
          log({ msg: 'redis failed', level: 'warn', plugin: name, reason: error.message })
        })
      : undefined
  const counters = redis ?? memory

  const count = async (exchange: Exchange, moment: number) => {
    // The plugin's name is part of the key: what is counted for a user is none of an org's.
    const counted = `ratelimit:${name}:${scope}:${identifier(config, exchange)}`
    const windows = limits.map(({ period, limit }) => ({
      key: `${counted}:${windowStart(period, moment)}:${period}`,
      limit,
      lifetime: PERIODS[period],
    }))
    try {
      return await counters.count(windows)
    } catch (error) {
      if (!fault_tolerant) throw error
      const request_id = sharedRequestId(exchange)
      const reason = error instanceof Error ? error.message : String(error)
      log({ msg: 'limits are not applied', level: 'err', plugin: name, reason, request_id })
      return undefined
    }
  }
  return {
    async access(exchange) {
      const moment = now()
      const used = await count(exchange, moment)
      if (!used) return undefined
      const usages = limits.map((limit, index) => ({ ...limit, used: used[index] ?? 0 }))
      const { exceeded, headers } = judge(usages, moment)
      if (!hide_client_headers) exchange.response_headers.setAll(headers)
      if (!exceeded) return undefined
      // As the aliases in the Kong image do; Kong's own says nothing of it.
      if (name !== 'rate-limiting')
        exchange.serialize_values.set('limited_by', name.replace(/-rate-limiting$/, ''))
      return errorExit(exchange, config.error_code, config.error_message)
    },
    async problem() {
      const reason = await redis?.reach()
      if (reason === undefined || !config.redis) return undefined
      const { host, port } = config.redis
      const text = `config.redis: Redis at ${host}:${port} does not answer (${reason})`
      if (!fault_tolerant) {
        return `${text}: start it, correct host and port, or let requests pass without it by fault_tolerant: true`
      }
      log({ msg: 'limits are not applied', level: 'warn', plugin: name, reason: text })
      return undefined
    },
    async close() {
      await redis?.close()
    },
  }
}

/** Whom a request is counted for: whatever is not there falls back to the address, as in Kong. */
function identifier({ header_name, limit_by, path }: RateLimitingConfig, exchange: Exchange) {
  const { client_ip, headers, route, target } = exchange
  switch (limit_by) {
    case 'header':
      return getRequestHeader(headers, header_name ?? '') ?? client_ip
    case 'service':
      return route?.service?.name ?? client_ip
    case 'path':
      return target.path === path ? path : client_ip
    case 'ip':
    case 'consumer': // nothing here knows consumers and credentials
    case 'credential':
      return client_ip
  }
}
