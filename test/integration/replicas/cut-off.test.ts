import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { endConnection } from '../../../storage/end-connections.ts'
import { openDatabase } from '../../../storage/database.ts'
import { parseKeyRing } from '../../../storage/key-ring.ts'
import type { Store } from '../../../storage/store.ts'
import type { Tokens } from '../../support/authorization-server.ts'
import { type Company, openCompany } from '../../support/company.ts'
import { type DeafRelay, openDeafRelay } from '../../support/deaf-relay.ts'
import { openConnection } from '../../support/open-connection.ts'
import { openRelay, type Relay } from '../../support/relay.ts'
import { openReplicas, type Replica, type Replicas } from '../../support/replicas.ts'
import { expectSoon } from '../../support/soon.ts'
import { connectionOf } from '../../support/token-claims.ts'

/** Seconds: the default of `stale_connection_grace`. */
const grace = 5

describe('replicas that lose sight of the database', () => {
  let company: Company
  let system: Replicas
  let store: Store
  /** Hears nothing of what it listens to, when told so. */
  let deaf: Replica
  let deaf_relay: DeafRelay
  /** Has no database at all, when told so. */
  let cut: Replica
  let cut_relay: Relay
  let well: Replica

  beforeAll(async () => {
    system = await openReplicas({
      count: 3,
      settings: async url => {
        company = await openCompany(url)
        return { identity_providers: [company.setting] }
      },
      database_url: async (url, index) => {
        const { hostname, port } = new URL(url)
        const behind = (relay: { readonly port: number }) =>
          Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(relay.port) }).href
        if (index === 0) {
          deaf_relay = await openDeafRelay({ host: hostname, port: Number(port) })
          return behind(deaf_relay)
        }
        if (index === 1) {
          cut_relay = await openRelay(Number(port))
          return behind(cut_relay)
        }
        return url
      },
    })
    ;[deaf, cut, well] = system.replicas as [Replica, Replica, Replica]
    system.use(well)
    const ring = parseKeyRing(String(system.settings.storage_keys))
    store = { db: openDatabase(system.database_url), ring }
  })

  afterAll(async () => {
    await store.db.destroy()
    await system.close()
    await Promise.all([company.close(), deaf_relay.close(), cut_relay.cut()])
  })

  const ask = (at: Replica, { access_token }: Tokens) =>
    fetch(`${at.url}/mcp`, { headers: { authorization: `Bearer ${access_token}` } })

  const admitted = async (at: Replica, tokens: Tokens) => (await ask(at, tokens)).status

  it('T07 one that does not hear of an end lets nothing through 5 seconds after it', async () => {
    const [first, second] = [await openConnection(system.url), await openConnection(system.url)]
    for (const at of system.replicas)
      for (const who of [first, second]) expect(await admitted(at, who)).toBe(200)
    deaf_relay.freeze(startup => startup.includes('listener'))
    expect(await endConnection(store, connectionOf(first), 'operator')).toBe(true)
    await expectSoon(() => admitted(well, first), 401)
    // It knows no better yet: what follows shows that it was deaf, and that the grace is what ends it.
    expect(await admitted(deaf, first)).toBe(200)
    await expectSoon(() => admitted(deaf, first), 401)
    expect(await admitted(deaf, second)).toBe(200)
    deaf_relay.thaw()
    expect(await endConnection(store, connectionOf(second), 'operator')).toBe(true)
    await expectSoon(() => admitted(deaf, second), 401)
  })

  it('K05 one without a database serves who it knows for the grace, then answers 503, and recovers', async () => {
    const [known, unknown] = [await openConnection(system.url), await openConnection(system.url)]
    expect(await admitted(cut, known)).toBe(200)
    await cut_relay.cut()
    const cut_at = performance.now()
    expect(await admitted(cut, known)).toBe(200)
    expect(await admitted(cut, unknown)).toBe(503)
    const statuses: number[] = []
    while (statuses.at(-1) !== 503) {
      statuses.push(await admitted(cut, known))
      expect(performance.now() - cut_at).toBeLessThan((grace + 1) * 1000)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    expect(new Set(statuses)).toEqual(new Set([200, 503]))
    expect(performance.now() - cut_at).toBeGreaterThan((grace - 2) * 1000)
    const refused = await ask(cut, known)
    expect(refused.headers.get('retry-after')).not.toBeNull()
    expect(await refused.json()).toMatchObject({ error: 'temporarily_unavailable' })
    // The others go on.
    expect(await admitted(well, known)).toBe(200)
    await cut_relay.restore()
    for (const who of [known, unknown]) await expectSoon(() => admitted(cut, who), 200)
  }, 30_000)

  it('T07 K05 what ended while a replica had no database is not served after it is back', async () => {
    const who = await openConnection(system.url)
    expect(await admitted(cut, who)).toBe(200)
    await cut_relay.cut()
    expect(await endConnection(store, connectionOf(who), 'operator')).toBe(true)
    await cut_relay.restore()
    await expectSoon(() => admitted(cut, who), 401)
  })
})
