import { Redis } from 'ioredis'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import type { Counters } from './rate-limit-counters.ts'
import type { RedisConfig } from './rate-limiting-config.ts'

export interface RedisCounters extends Counters {
  /** Why Redis does not answer; `undefined` when it does. */
  reach(): Promise<string | undefined>
  close(): Promise<void>
}

/**
 * Kong's `policy: redis` with `sync_rate: -1`: counters that all gateways share. What is refused is
 * counted too. `count` rejects within `timeout` when Redis does not answer.
 */
export function openRedisCounters(
  config: RedisConfig,
  onError: (error: Error) => void,
): RedisCounters {
  const { database, host, password, port, server_name, ssl, ssl_verify, timeout, username } = config
  const redis = new Redis({
    host,
    port,
    db: database,
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
    ...(ssl ? { tls: { rejectUnauthorized: ssl_verify, servername: server_name ?? host } } : {}),
    connectTimeout: timeout,
    commandTimeout: timeout,
    lazyConnect: true,
    // A request waits for an answer, not for a Redis to come back.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: attempts => Math.min(attempts * 100, 2000),
  })
  redis.on('error', onError)
  const limiter = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: '',
    points: 1,
    duration: 1,
  })
  return {
    async count(windows) {
      const results = await Promise.all(
        windows.map(({ key, lifetime }) => limiter.penalty(key, 1, { customDuration: lifetime })),
      )
      return results.map(({ consumedPoints }) => consumedPoints - 1)
    },
    async reach() {
      let last: Error | undefined
      const note = (error: Error) => (last = error)
      redis.on('error', note)
      try {
        if (redis.status === 'wait') await redis.connect()
        await redis.ping()
        return undefined
      } catch (error) {
        return (last ?? (error as Error)).message
      } finally {
        redis.off('error', note)
      }
    },
    async close() {
      // QUIT waits for what is under way; a Redis that is away has nothing to wait for.
      if (redis.status === 'ready') await redis.quit().catch(onError)
      redis.disconnect()
    },
  }
}
