import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { pino } from 'pino'
import { watchConnections } from '../../../mcp-server/streams/watch-connections.ts'
import type { Tool } from '../../../mcp-server/tools/tool.ts'
import { tools } from '../../../mcp-server/tools/tools.ts'
import { createConnection } from '../../../storage/connections.ts'
import { endConnection } from '../../../storage/end-connections.ts'
import type { ConnectionListener } from '../../../storage/listener.ts'
import { testRing } from '../../support/key-ring.ts'
import { bearer, messageOf, post, startServer, type TestServer } from './server.ts'

const log = pino({ level: 'silent' })
const call = (name: string) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name, arguments: {} },
})

describe('requests of a connection that ends', () => {
  let server: TestServer
  let watching: ConnectionListener
  let release = () => {}
  let running: Promise<void>
  let serial = 0

  const silent: Tool = {
    ...(tools.find(({ name }) => name === 'whoami') as Tool),
    name: 'silent',
    prepare: () => ({
      input: {},
      run: async () => {
        await new Promise<void>(resolve => {
          release = resolve
          started()
        })
        return {}
      },
    }),
  }
  let started = () => {}

  beforeAll(async () => {
    server = await startServer({ tools: [...tools, silent] })
  })

  afterAll(() => server.stop())

  beforeEach(() => {
    running = new Promise(resolve => {
      started = resolve
    })
  })

  afterEach(async () => {
    release()
    await watching.close()
  })

  async function watch(interval = 60_000): Promise<void> {
    const { audit: db, database_url, requests } = server
    watching = watchConnections({
      database_url,
      db,
      requests,
      log,
      clock: () => performance.now(),
      interval,
    })
    await watching.start()
  }

  async function connection(expires_in = 3_600_000) {
    const id = `streaming-${++serial}`
    const store = { db: server.audit, ring: testRing('k') }
    await createConnection(store, {
      id,
      user_id: 'usr_bob',
      org_id: 'acme',
      client_id: 'client-1',
      idp_id: 'okta',
      expires_at: new Date(Date.now() + expires_in),
      profile: { email: 'bob@acme.example', roles: [], idp_sub: 'b' },
    })
    return {
      id,
      headers: await bearer({ sid: id }),
      end: () => endConnection(store, id, 'operator'),
    }
  }

  const begin = (headers: Record<string, string>) => {
    const answer = post(server, call('silent'), headers).then(messageOf)
    const outcome = answer.then(
      () => 'answered',
      () => 'broken off',
    )
    return { outcome }
  }

  it('T07 are broken off within a second, and what comes after them is refused', async () => {
    await watch()
    const [ending, other] = [await connection(), await connection()]
    const { outcome } = begin(ending.headers)
    await running
    const began = performance.now()
    await ending.end()
    expect(await outcome).toBe('broken off')
    expect(performance.now() - began).toBeLessThan(1_000)
    const next = await post(server, call('whoami'), ending.headers)
    expect(next.status).toBe(401)
    expect(next.headers.get('www-authenticate')).toContain('invalid_token')
    expect((await post(server, call('whoami'), other.headers)).status).toBe(200)
  })

  it('T04 are broken off at the absolute end of the connection', async () => {
    await watch(50)
    const { headers } = await connection(400)
    const { outcome } = begin(headers)
    await running
    expect(await outcome).toBe('broken off')
  })

  it('T07 are broken off when the end fell into a time in which nobody listened', async () => {
    await watch()
    const ending = await connection()
    const { outcome } = begin(ending.headers)
    await running
    await watching.close()
    await ending.end()
    await watch()
    expect(await outcome).toBe('broken off')
  })

  it('T07 go on when the connection is unknown here, or another ends', async () => {
    await watch(20)
    const other = await connection()
    const { outcome } = begin(await bearer({ sid: "another gateway's" }))
    await running
    await other.end()
    await sql`select pg_sleep(0.2)`.execute(server.audit)
    release()
    expect(await outcome).toBe('answered')
  })
})
