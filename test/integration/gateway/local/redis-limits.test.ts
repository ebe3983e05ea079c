import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { freePorts } from '../../../../gateway/local/stack/ports.ts'
import { openGateway } from './local-gateway.ts'
import { startRedis } from './redis.ts'
import type { RunningRedis } from './redis.ts'

const opened: Awaited<ReturnType<typeof openGateway>>[] = []
let redis: RunningRedis

beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())
afterEach(async () => {
  await Promise.all(opened.splice(0).map(each => each.close()))
})

/** A limit per address, counted in a Redis; each test has a database of its own. */
const limited = (port: number, database: number, fault_tolerant: boolean) =>
  `{ name: ip-rate-limiting, config: { limit_by: ip, minute: 2, hour: 10, policy: redis, fault_tolerant: ${String(fault_tolerant)}, redis: { host: 127.0.0.1, port: ${port}, database: ${database}, timeout: 1000 } } }`

async function open(plugin: string) {
  const gateway = await openGateway({
    mcp_plugins: [plugin],
    options: { now: () => Date.UTC(2026, 0, 1, 0, 0, 15) },
  })
  opened.push(gateway)
  return gateway
}

const token = { headers: ['Authorization', 'Bearer client'] }

describe('limits that are counted in Redis', () => {
  it('G07 are shared by all gateways', async () => {
    const plugin = limited(redis.port, 1, false)
    const [one, other] = [await open(plugin), await open(plugin)]
    expect((await one.send('/mcp', token)).headers['x-ratelimit-remaining-minute']).toBe('1')
    expect((await other.send('/mcp', token)).headers['x-ratelimit-remaining-minute']).toBe('0')
    const refused = await one.send('/mcp', token)
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '45' } })
    expect(refused.headers['x-ratelimit-remaining-hour']).toBe('8')
  })

  it('G07 hold among requests at the same time', async () => {
    const { send } = await open(limited(redis.port, 2, false))
    const answers = await Promise.all(Array.from({ length: 8 }, () => send('/mcp', token)))
    expect(answers.map(({ status }) => status).filter(status => status === 200)).toHaveLength(2)
  })

  it.each([
    ['refuse with 500', false, 500],
    ['let pass', true, 200],
  ])('G07 %s while Redis is away, with fault_tolerant: %s', async (_, fault_tolerant, status) => {
    const own = await startRedis()
    const { events, send } = await open(limited(own.port, 0, fault_tolerant))
    expect((await send('/mcp', token)).status).toBe(200)
    await own.stop()
    const response = await send('/mcp', token)
    expect(response.status).toBe(status)
    expect(response.body).not.toMatch(/redis|ECONN/i)
    const msg = fault_tolerant ? 'limits are not applied' : 'request failed'
    expect(events).toContainEqual(
      expect.objectContaining({ msg, request_id: response.headers['x-request-id'] }),
    )
  })
})

describe('a Redis that is not there at start', () => {
  it('O05 is told with its place and the remedy', async () => {
    const [port = 0] = await freePorts(1)
    await expect(open(limited(port, 0, false))).rejects.toMatchObject({
      name: 'ConfigurationError',
      problems: [
        expect.stringMatching(
          `^ip-rate-limiting of route mcp, config.redis: Redis at 127.0.0.1:${port} does not answer .*ECONNREFUSED.*: start it`,
        ),
      ],
    })
  })

  it('O05 keeps nobody from starting who tolerates it', async () => {
    const [port = 0] = await freePorts(1)
    const { events, send } = await open(limited(port, 0, true))
    expect(events).toContainEqual(
      expect.objectContaining({ msg: 'limits are not applied', level: 'warn' }),
    )
    expect((await send('/mcp', token)).status).toBe(200)
  })
})

describe('a PostgreSQL that is not there at start', () => {
  it('O05 is told without its password', async () => {
    const [port = 0] = await freePorts(1)
    const starting = openGateway({
      plugins: [
        `{ name: door, config: { database_url: 'postgres://me:s3cret@127.0.0.1:${port}/x' } }`,
      ],
      options: {
        external_plugin: {
          name: 'door',
          priority: 1050,
          config: {
            type: 'record',
            fields: [{ note: { type: 'string' } }, { database_url: { type: 'string' } }],
          },
        },
      },
    })
    await expect(starting).rejects.toThrow(
      `door, config.database_url: PostgreSQL at 127.0.0.1:${port} does not answer`,
    )
    await expect(starting).rejects.not.toThrow('s3cret')
  })
})

describe('a file with mistakes, and a Redis and a PostgreSQL that are not there', () => {
  it('O05 are told of all at once, each once, without a password', async () => {
    const [redis_port = 0, database_port = 0] = await freePorts(2)
    const url = `postgres://me:s3cret@127.0.0.1:${database_port}/x`
    const door = `{ name: door, config: { database_url: '${url}', nonsense: 1 } }`
    const starting = openGateway({
      plugins: [door, '{ name: acl }', limited(redis_port, 0, false)],
      mcp_plugins: [door, limited(redis_port, 0, false), limited(redis_port, 0, true)],
      options: {
        external_plugin: {
          name: 'door',
          priority: 1050,
          config: { type: 'record', fields: [{ database_url: { type: 'string' } }] },
        },
      },
    })
    const failure = (await starting.catch((error: unknown) => error)) as {
      readonly name: string
      readonly problems: readonly string[]
    }
    expect(failure.name).toBe('ConfigurationError')
    const { problems } = failure
    const of = (words: string) => problems.filter(problem => problem.includes(words))
    expect(of("does not know the plugin 'acl'")).toHaveLength(1)
    expect(of('nonsense')).toHaveLength(2)
    expect(of('PostgreSQL at')).toEqual([
      expect.stringMatching(
        `plugins\\[\\d\\].config.database_url: PostgreSQL at 127.0.0.1:${database_port} does not answer .*: start it`,
      ),
    ])
    expect(of('Redis at')).toEqual([
      expect.stringMatching(
        `plugins\\[\\d\\].config.redis: Redis at 127.0.0.1:${redis_port} does not answer .*ECONNREFUSED.*: start it`,
      ),
    ])
    expect(problems.join()).not.toContain('s3cret')
  })
})
