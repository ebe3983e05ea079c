import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { importJWK, type JWK, SignJWT } from 'jose'
import { startPostgres } from '../../gateway/local/postgres.ts'
import { createParts } from '../../gateway/local/stack/parts.ts'
import { createConnection } from '../../storage/connections.ts'
import { endConnection } from '../../storage/end-connections.ts'
import { parseKeyRing } from '../../storage/key-ring.ts'
import { type DeafRelay, openDeafRelay } from '../support/deaf-relay.ts'
import { openReplicas, type Replica, type Replicas } from '../support/replicas.ts'
import { percentile, table } from './table.ts'
import { runScript } from './run-script.ts'
import { wholeNumber } from './whole-number.ts'

const usage = `Usage: npm run load:revocation -- [--connections N] [--replicas N] [--cut N]

Starts gateways with a plugin server each on one database, has all of them know every connection, ends
one connection after the other, and times how long each gateway still lets its token in. Then the same
with the sessions in which the plugin servers listen cut off without a word.

  --connections N  ended while they listen (1000; from 10 to 10000)
  --replicas N     gateways (3; from 1 to 5)
  --cut N          ended while they do not (20; from 0 to 200), all at once
  --help           print this, and end

Ends with 1 when the p99 is above 100 ms, or one of the cut off ones above 5 s.
`
/** Milliseconds. */
const goal = 100
const goal_cut = 5_000
/** How often a gateway is asked whether it still lets a token in, milliseconds. */
const pause = 2

interface Holder {
  readonly id: string
  readonly access_token: string
}

function options() {
  const { values } = parseArgs({
    options: {
      connections: { type: 'string', default: '1000' },
      replicas: { type: 'string', default: '3' },
      cut: { type: 'string', default: '20' },
      help: { type: 'boolean', default: false },
    },
  })
  return {
    help: values.help,
    connections: wholeNumber('connections', values.connections, 10, 10_000),
    replicas: wholeNumber('replicas', values.replicas, 1, 5),
    cut: wholeNumber('cut', values.cut, 0, 200),
  }
}

async function main({ connections, replicas, cut }: ReturnType<typeof options>): Promise<boolean> {
  const parts = createParts(line => process.stderr.write(`${line}\n`))
  const say = (line: string) => void process.stderr.write(`${line}\n`)
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
    say(`${replicas} gateways, ${connections + cut} connections`)
    const holders = await make(system, connections + cut)
    for (const { access_token } of holders)
      await Promise.all(system.replicas.map(replica => expectAdmitted(replica, access_token)))
    const lags: number[] = []
    for (const holder of holders.slice(0, connections)) lags.push(...(await end(system, holder)))
    for (const relay of relays) relay.freeze(startup => startup.includes('listener'))
    const cut_off = holders.slice(connections)
    for (const { access_token } of cut_off)
      await Promise.all(system.replicas.map(replica => expectAdmitted(replica, access_token)))
    const lags_cut = (await Promise.all(cut_off.map(holder => end(system, holder)))).flat()
    return report(lags, lags_cut)
  } finally {
    await parts.stop()
  }
}

/** Connections with an access token each, as if people had signed in. */
async function make({ db, settings, url }: Replicas, count: number): Promise<readonly Holder[]> {
  const store = { db, ring: parseKeyRing(String(settings['storage_keys'])) }
  const { keys } = JSON.parse(String(settings['signing_keys'])) as { keys: JWK[] }
  const [jwk = {}] = keys
  const key = await importJWK(jwk, 'ES256')
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
      const claims = { sid: id, org_id: who.org_id, client_id: who.client_id, scope: 'mcp:tools' }
      const access_token = await new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: jwk.kid ?? '' })
        .setIssuer(url)
        .setAudience(`${url}/mcp`)
        .setSubject(who.user_id)
        .setJti(id)
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(key)
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
        if (lag > 4 * goal_cut) return Infinity
        await new Promise(resolve => setTimeout(resolve, pause))
      }
    }),
  )
}

function report(lags: readonly number[], cut: readonly number[]): boolean {
  const row = (name: string, values: readonly number[]) => [
    name,
    values.length,
    ...[0.5, 0.99, 1].map(share => percentile(values, share).toFixed(1)),
  ]
  const heading = ['', 'measured', 'p50 ms', 'p99 ms', 'largest ms']
  const rows = [row('they listen', lags), ...(cut.length > 0 ? [row('cut off', cut)] : [])]
  process.stdout.write(table([heading, ...rows]))
  const good = percentile(lags, 0.99) <= goal && cut.every(lag => lag <= goal_cut)
  if (!good) process.stdout.write(`Not good: the goals are ${goal} ms and ${goal_cut} ms\n`)
  return good
}

await runScript({ usage, options, main })
