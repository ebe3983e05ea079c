import { describe, expect, it } from '@jest/globals'
import type { Exit } from '../../../../../gateway/local/gateway/exchange.ts'
import { rate_limiting_plugins } from '../../../../../gateway/local/gateway/rate-limiting.ts'
import { exchange } from './exchange.ts'
import { parts, problemsOf, startPlugin } from './plugin.ts'

function plugin(name: string) {
  const found = rate_limiting_plugins.find(each => each.name === name)
  if (!found) throw new Error(`no plugin ${name}`)
  return found
}

const by_user = { limit_by: 'header', header_name: 'X-User-Id', minute: 2 }
const minute = 60_000

/** The statuses of as many requests; 0 passes. */
async function statuses(
  instance: ReturnType<typeof startPlugin>,
  ...requests: Parameters<typeof exchange>[0][]
): Promise<number[]> {
  const exits: (Exit | undefined)[] = []
  for (const request of requests) exits.push(await instance.access?.(exchange(request)))
  return exits.map(exit => exit?.status ?? 0)
}

const alice = { headers: ['X-User-Id', 'usr_alice'] }
const bob = { headers: ['X-User-Id', 'usr_bob'] }

describe('a limit', () => {
  it('G07 is one per user, and a new one with each window', async () => {
    let now = Date.UTC(2026, 0, 1, 0, 0, 59)
    const instance = startPlugin(plugin('rate-limiting'), by_user, parts({ now: () => now }))
    expect(await statuses(instance, alice, alice, alice, bob, alice)).toEqual([0, 0, 429, 0, 429])
    now += 1_000
    expect(await statuses(instance, alice, alice, alice)).toEqual([0, 0, 429])
  })

  it('G07 of a user and one of an org are never the same counter', async () => {
    const shared = parts()
    const user = startPlugin(plugin('rate-limiting'), by_user, shared)
    const org = startPlugin(plugin('org-rate-limiting'), by_user, shared)
    expect(await statuses(user, alice, alice, alice)).toEqual([0, 0, 429])
    expect(await statuses(org, alice, alice, alice)).toEqual([0, 0, 429])
  })

  it('falls back to the address where there is no such header, as in Kong', async () => {
    const instance = startPlugin(plugin('rate-limiting'), by_user)
    const one = { client_ip: '192.0.2.1' }
    const other = { client_ip: '192.0.2.2' }
    expect(await statuses(instance, one, one, one, other, alice)).toEqual([0, 0, 429, 0, 0])
  })

  it('keeps what is refused out of its longer windows', async () => {
    let now = 0
    const config = { ...by_user, hour: 3 }
    const instance = startPlugin(plugin('rate-limiting'), config, parts({ now: () => now }))
    expect(await statuses(instance, alice, alice, alice, alice)).toEqual([0, 0, 429, 429])
    now = minute
    expect(await statuses(instance, alice, alice)).toEqual([0, 429])
  })

  it.each([
    ['service', [{ service: 'a' }, { service: 'a' }, { service: 'b' }], [0, 429, 0]],
    ['ip', [{ client_ip: '::1' }, { client_ip: '::1' }, { client_ip: '::2' }], [0, 429, 0]],
    ['path', [{ path: '/a' }, { path: '/a' }, { path: '/b' }, { path: '/c' }], [0, 429, 0, 429]],
    ['consumer', [alice, bob], [0, 429]],
    ['credential', [alice, bob], [0, 429]],
  ] as const)('may be by %s', async (limit_by, requests, expected) => {
    const config = { limit_by, minute: 1, ...(limit_by === 'path' ? { path: '/a' } : {}) }
    const instance = startPlugin(plugin('rate-limiting'), config)
    expect(await statuses(instance, ...requests)).toEqual(expected)
  })

  it('answers in the words and with the status that it is given, silently if asked', async () => {
    const config = {
      minute: 1,
      error_code: 503,
      error_message: 'slow down',
      hide_client_headers: true,
    }
    const instance = startPlugin(plugin('tool-rate-limiting'), config)
    await instance.access?.(exchange({}))
    const second = exchange({})
    const exit = await instance.access?.(second)
    expect(exit).toMatchObject({ status: 503 })
    expect(JSON.parse(String(exit?.body))).toEqual({
      message: 'slow down',
      request_id: second.request_id,
    })
    expect(second.response_headers.raw).toEqual([])
  })
})

describe('a configuration of limits', () => {
  it.each([
    [{}, [': needs at least one of second, minute, hour, day, month, year']],
    [{ minute: 5, hour: 4 }, ['hour: cannot be lower than the limit for minute']],
    [{ minute: 0 }, ['minute: Too small: expected number to be >0']],
    [
      { minute: 1, policy: 'cluster' },
      ["policy: the local gateway counts with 'local' or 'redis' only"],
    ],
    [{ minute: 1, limit_by: 'header' }, ["header_name: is needed with limit_by 'header'"]],
    [{ minute: 1, limit_by: 'path' }, ["path: is needed with limit_by 'path'"]],
    [{ minute: 1, policy: 'redis' }, ["redis: is needed with policy 'redis': at least its host"]],
    [{ minute: 1, sync_rate: 1 }, ["sync_rate: can only be used with policy 'redis'"]],
    [
      { minute: 1, policy: 'redis', redis: { host: 'a' }, sync_rate: 0 },
      ['sync_rate: is -1 or at least 0.02 (seconds)'],
    ],
    [{ minutes: 1, minute: 1 }, [': Unrecognized key: "minutes"']],
    [
      { minute: 1, redis: { host: '{vault://env/host}', password: '{vault://env/un-set}' } },
      [
        'redis.host: Kong resolves no reference here, the field is not referenceable',
        'redis.password: the environment variable UN_SET is not set',
      ],
    ],
  ])('O05 %j is refused', (config, problems) => {
    expect(problemsOf(plugin('rate-limiting'), config)).toEqual(problems)
  })

  it('takes its secrets from the environment', () => {
    const config = { minute: 1, redis: { host: 'a', password: '{vault://env/redis-password}' } }
    const read = plugin('rate-limiting').read(config, { REDIS_PASSWORD: 's3cret' })
    expect(read).toMatchObject({ config: { redis: { password: 's3cret', port: 6379 } } })
  })

  it('says that sync_rate is for Kong', () => {
    const config = { minute: 1, policy: 'redis', redis: { host: 'a' }, sync_rate: 0.5 }
    expect(plugin('rate-limiting').read(config, {})).toMatchObject({
      notice: expect.stringContaining('sync_rate of 0.5 is for Kong only'),
    })
  })
})
