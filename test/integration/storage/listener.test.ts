import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { createConnection } from '../../../storage/connections.ts'
import { endConnection } from '../../../storage/end-connections.ts'
import { type ConnectionListener, listenForConnections } from '../../../storage/listener.ts'
import { type DeafRelay, openDeafRelay } from '../../support/deaf-relay.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

describe('listenForConnections', () => {
  let test: TestStore
  const opened: (() => Promise<void>)[] = []

  beforeAll(async () => {
    test = await createTestStore()
  })

  afterEach(async () => {
    for (const close of opened.splice(0)) await close()
  })

  afterAll(() => test.close())

  function listen(url = test.url) {
    const heard: string[] = []
    const lags: number[] = []
    const listener = listenForConnections({
      url,
      application_name: 'test',
      now: () => Date.now(),
      on_ended: (id, lag) => {
        heard.push(`ended ${id}`)
        lags.push(lag)
      },
      on_changed: id => heard.push(`changed ${id}`),
      on_gap: () => heard.push('gap'),
      on_lost: () => heard.push('lost'),
    })
    opened.push(() => listener.close())
    return { listener, heard, lags }
  }

  async function relay(without?: string): Promise<{ url: string; relay: DeafRelay }> {
    const url = new URL(test.url)
    const deaf = await openDeafRelay({ host: url.hostname, port: Number(url.port) }, without)
    opened.push(() => deaf.close())
    url.hostname = '127.0.0.1'
    url.port = String(deaf.port)
    return { url: url.href, relay: deaf }
  }

  async function end(id: string): Promise<void> {
    await createConnection(test.store, {
      id,
      user_id: 'usr_a',
      org_id: 'acme',
      client_id: 'c',
      idp_id: 'okta',
      expires_at: new Date(Date.now() + 3_600_000),
      profile: { email: 'a@acme.example', roles: [], idp_sub: 's' },
    })
    await endConnection(test.store, id, 'operator')
  }

  async function until(condition: () => boolean, patience = 8_000): Promise<void> {
    const started = performance.now()
    while (!condition()) {
      if (performance.now() - started > patience) throw new Error('it did not come to that')
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  const confirmed = (listener: ConnectionListener) => listener.confirmedAt() ?? 0

  it('T07 hears of an end at once, and how long that took', async () => {
    const { listener, heard, lags } = listen()
    expect(listener.confirmedAt()).toBeUndefined()
    await listener.start()
    expect(heard).toEqual(['gap'])
    await end('c1')
    await until(() => heard.includes('ended c1'))
    expect(lags[0]).toBeGreaterThanOrEqual(0)
    expect(lags[0]).toBeLessThan(1_000)
  })

  it('T07 confirms again and again that all has been heard', async () => {
    const { listener } = listen()
    await listener.start()
    const first = confirmed(listener)
    await until(() => confirmed(listener) > first + 900)
  })

  it('T07 comes back by itself when the database ends its session, and says that it was away', async () => {
    const { listener, heard } = listen()
    await listener.start()
    await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'test listener' and datname = current_database()`.execute(test.db)
    await until(() => heard.filter(event => event === 'gap').length === 2)
    expect(heard).toEqual(['gap', 'lost', 'gap'])
    await end('c2')
    await until(() => heard.includes('ended c2'))
  })

  it('K05 confirms nothing while the line is dead without a word, and recovers from it', async () => {
    const { url, relay: line } = await relay()
    const { listener, heard } = listen(url)
    await listener.start()
    line.freeze()
    const last = Date.now()
    await until(() => heard.includes('lost'))
    expect(confirmed(listener)).toBeLessThanOrEqual(last + 100)
    line.thaw()
    await until(() => heard.filter(event => event === 'gap').length === 2)
    await until(() => confirmed(listener) > last)
  }, 20_000)

  it('K05 refuses to start where notifications do not arrive, and names the setting', async () => {
    const { url } = await relay('A')
    const { listener } = listen(url)
    await expect(listener.start()).rejects.toThrow(/database_url.*transaction mode/)
    expect(listener.confirmedAt()).toBeUndefined()
  })

  it('K05 says each time it is asked that the database is away', async () => {
    const { url, relay: line } = await relay()
    await line.close()
    const { listener } = listen(url)
    await expect(listener.start()).rejects.toThrow('cannot be listened to')
    await expect(listener.start()).rejects.toThrow('cannot be listened to')
  })

  it('closes while it is trying to come back', async () => {
    const { url, relay: line } = await relay()
    const { listener, heard } = listen(url)
    await listener.start()
    await line.close()
    await until(() => heard.includes('lost'))
    await listener.close()
    expect(heard).toEqual(['gap', 'lost'])
  })
})
