import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../../../gateway/local/postgres.ts'
import { createParts } from '../../../gateway/local/stack/parts.ts'
import { createConnection } from '../../../storage/connections.ts'
import { endConnection } from '../../../storage/end-connections.ts'
import { parseKeyRing } from '../../../storage/key-ring.ts'
import { type DeafRelay, openDeafRelay } from '../../support/deaf-relay.ts'
import { openReplicas, type Replica, type Replicas } from '../../support/replicas.ts'
import { tokenSigner } from '../sign-access-token.ts'

export interface LagOptions {
  /** Connections that end while the gateways listen, one after the other. */
  readonly connections: number
  /** Connections that end, all at once, while they do not. */
  readonly cut: number
  /** Gateways, each with a plugin server of its own. */
  readonly replicas: number
  readonly report: (line: string) => void
}

/**
 * Milliseconds after the end of a connection until a gateway let the last request with its token in, of
 * each connection and gateway; Infinity when it still did after `most_lag`.
 */
export interface Lags {
  readonly listening: readonly number[]
  readonly cut_off: readonly number[]
}

/** Milliseconds: the p99 while they listen, and the longest while they do not. */
export const lag_goals = { listening: 100, cut_off: 5_000 } as const
/** Milliseconds after which nobody waits any longer for a gateway to refuse a token. */
export const most_lag = 4 * lag_goals.cut_off
/** How often a gateway is asked whether it still lets a token in, milliseconds. */
const pause = 2

interface Holder {
  readonly id: string
  readonly access_token: string
}

/** Starts gateways on one database of their own, and ends connections that all of them know. */
export async function measureLags({
  connections,
  cut,
  replicas,
  report,
}: LagOptions): Promise<Lags> {
  const parts = createParts(report)
  try {
    const folder = await mkdtemp(join(tmpdir(), 'mcp-oidc-lag-'))
    await chmod(folder, 0o711)
    parts.add('folder', () => rm(folder, { recursive: true, force: true }))
    const postgres = await startPostgres({ data_directory: join(folder, 'postgres') })
    parts.add('PostgreSQL', () => postgres.stop())
    process.env['TEST_DATABASE_URL'] = postgres.url
    const relays: DeafRelay[] = []
    const system = await openReplicas({
      count: replicas,
      settings: () => Promise.resolve({}),
      async database_url(url) {
        const through = new URL(url)
        const target = { host: through.hostname, port: Number(through.port) }
        const relay = await openDeafRelay(target)
        parts.add('relay', () => relay.close())
        relays.push(relay)
        through.hostname = '127.0.0.1'
        through.port = String(relay.port)
        return through.href
      },
    })
    parts.add('gateways', () => system.close())
    report(`${replicas} gateways, ${connections + cut} connections`)
    const holders = await make(system, connections + cut)
    for (const { access_token } of holders)
      await Promise.all(system.replicas.map(replica => expectAdmitted(replica, access_token)))
    const listening: number[] = []
    for (const [index, holder] of holders.slice(0, connections).entries()) {
      listening.push(...(await end(system, holder)))
      if ((index + 1) % 100 === 0) report(`${index + 1} of ${connections} connections ended`)
    }
    for (const relay of relays) relay.freeze(startup => startup.includes('listener'))
    const others = holders.slice(connections)
    for (const { access_token } of others)
      await Promise.all(system.replicas.map(replica => expectAdmitted(replica, access_token)))
    const cut_off = (await Promise.all(others.map(holder => end(system, holder)))).flat()
    return { listening, cut_off }
  } finally {
    await parts.stop()
  }
}

/** Connections with an access token each, as if people had signed in. */
async function make({ db, settings, url }: Replicas, count: number): Promise<readonly Holder[]> {
  const store = { db, ring: parseKeyRing(String(settings['storage_keys'])) }
  const sign = await tokenSigner(String(settings['signing_keys']), url)
  return Promise.all(
    Array.from({ length: count }, async () => {
      const id = `con_${randomBytes(12).toString('base64url')}`
      const who = { user_id: `usr_${id}`, org_id: 'acme', client_id: 'client' }
      await createConnection(store, {
        id,
        ...who,
        idp_id: 'dev',
        expires_at: new Date(Date.now() + 3_600_000),
        profile: { email: 'somebody@acme.example', roles: [], idp_sub: id },
      })
      const access_token = await sign({ connection_id: id, ...who })
      return { id, access_token }
    }),
  )
}

async function statusAt({ url }: Replica, access_token: string): Promise<number> {
  const response = await fetch(`${url}/mcp`, {
    headers: { authorization: `Bearer ${access_token}` },
  })
  await response.arrayBuffer()
  return response.status
}

async function expectAdmitted(replica: Replica, access_token: string): Promise<void> {
  const status = await statusAt(replica, access_token)
  if (status !== 200) throw new Error(`a good token was answered ${status}`)
}

/** Ends a connection. Gives, for each gateway, how long after that it let the last request in. */
async function end({ db, settings, replicas }: Replicas, holder: Holder): Promise<number[]> {
  const store = { db, ring: parseKeyRing(String(settings['storage_keys'])) }
  await endConnection(store, holder.id, 'operator')
  const ended = performance.now()
  return Promise.all(
    replicas.map(async replica => {
      for (;;) {
        const status = await statusAt(replica, holder.access_token)
        const lag = performance.now() - ended
        if (status === 401) return lag
        if (status !== 200) throw new Error(`answered ${status} while a connection ended`)
        if (lag > most_lag) return Infinity
        await new Promise(resolve => setTimeout(resolve, pause))
      }
    }),
  )
}
