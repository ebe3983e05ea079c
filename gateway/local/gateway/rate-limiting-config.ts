import { z } from 'zod'
import { period_names } from './rate-limit-windows.ts'

const limit = z.number().positive().nullish()

const redis = z.strictObject({
  host: z.string().min(1),
  port: z.int().min(0).max(65_535).default(6379),
  /** Milliseconds. */
  timeout: z
    .int()
    .min(0)
    .max(2 ** 31 - 2)
    .default(2000),
  username: z.string().nullish(),
  password: z.string().nullish(),
  database: z.int().default(0),
  ssl: z.boolean().default(false),
  ssl_verify: z.boolean().default(false),
  server_name: z.string().nullish(),
})
export type RedisConfig = z.output<typeof redis>

const members = z.strictObject({
  second: limit,
  minute: limit,
  hour: limit,
  day: limit,
  month: limit,
  year: limit,
  limit_by: z
    .enum(['consumer', 'credential', 'ip', 'service', 'header', 'path'])
    .default('consumer'),
  header_name: z.string().nullish(),
  path: z.string().startsWith('/').nullish(),
  policy: z
    .enum(['local', 'redis'], "the local gateway counts with 'local' or 'redis' only")
    .default('local'),
  fault_tolerant: z.boolean().default(true),
  redis: redis.nullish(),
  hide_client_headers: z.boolean().default(false),
  error_code: z.number().positive().default(429),
  error_message: z.string().default('API rate limit exceeded'),
  sync_rate: z.number().default(-1),
})
export type RateLimitingConfig = z.output<typeof members>

/** The configuration of Kong's rate-limiting, with what Kong checks across fields. */
export const rate_limiting_config = members.superRefine((config, context) => {
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: path === '' ? [] : [path], message })
  const given = period_names.flatMap(period => {
    const most = config[period]
    return typeof most === 'number' ? [{ period, most }] : []
  })
  if (given.length === 0) refuse('', `needs at least one of ${period_names.join(', ')}`)
  for (const [index, { period, most }] of given.entries()) {
    const shorter = given.slice(0, index).find(other => other.most > most)
    if (shorter) refuse(period, `cannot be lower than the limit for ${shorter.period}`)
  }
  if (config.limit_by === 'header' && !config.header_name) {
    refuse('header_name', "is needed with limit_by 'header'")
  }
  if (config.limit_by === 'path' && !config.path) {
    refuse('path', "is needed with limit_by 'path'")
  }
  if (config.policy === 'redis' && !config.redis) {
    refuse('redis', "is needed with policy 'redis': at least its host")
  }
  if (config.sync_rate !== -1) {
    if (config.policy !== 'redis') refuse('sync_rate', "can only be used with policy 'redis'")
    else if (config.sync_rate < 0.02) refuse('sync_rate', 'is -1 or at least 0.02 (seconds)')
  }
})
