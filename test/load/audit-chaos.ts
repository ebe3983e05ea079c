import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { sql } from 'kysely'
import { startPostgres } from '../../gateway/local/postgres.ts'
import { startChild } from '../../gateway/local/stack/child.ts'
import { openLogFile } from '../../gateway/local/stack/log-file.ts'
import { createParts, type Parts } from '../../gateway/local/stack/parts.ts'
import { freePorts } from '../../gateway/local/stack/ports.ts'
import { answersAt, untilReady } from '../../gateway/local/stack/readiness.ts'
import { openDatabase } from '../../storage/database.ts'
import { type Calls, startCallers } from './audit-chaos/callers.ts'
import { copyWithoutCommit } from './audit-chaos/copy-without-commit.ts'
import { type Verdict, verify } from './audit-chaos/verify.ts'
import { root } from './parts.ts'
import { wholeNumber } from './whole-number.ts'

const usage = `Usage: npm run chaos:audit -- [--kills N] [--at-once N] [--without-commit]

Kills the MCP server (kill -9) again and again while tools are called, half of which write, and looks
afterwards whether every result that a client got is in the audit trail, and everything that was
written has its "started". Each kill comes when at least ten calls are in flight, as counted here.

  --kills N         how often (50)
  --at-once N       calls under way at any time (32)
  --without-commit  with a copy of the code that does not wait for the disk: has to end with 1, or this
                    would find nothing
  --help            print this, and end

Ends with 1 when a result has no event, or a write no "started".
`
const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => interrupted.abort(new Error('interrupted')))
const issuer = 'http://gateway.test'
const least_in_flight = 10

function options() {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '50' },
      'at-once': { type: 'string', default: '32' },
      'without-commit': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  return {
    help: values.help,
    kills: wholeNumber('kills', values.kills, 1, 10_000),
    at_once: wholeNumber('at-once', values['at-once'], least_in_flight, 256),
    without_commit: values['without-commit'],
  }
}

/** The gateway's keys, published, and assertions signed with them for people of many organizations. */
async function openIssuer(parts: Parts) {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'chaos', alg: 'ES256', use: 'sig' }]
  const server = createServer((_req, res) => res.end(JSON.stringify({ keys })))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  parts.add('keys', () => {
    server.closeAllConnections()
    return new Promise(resolve => server.close(() => resolve()))
  })
  const sign = (caller: number) =>
    new SignJWT({
      ...{ org_id: `org-${caller}`, email: `user@org-${caller}.example`, roles: ['admin'] },
      ...{ scope: 'mcp:tools', client_id: 'chaos', sid: `con_${caller}` },
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'gateway-identity+jwt', kid: 'chaos' })
      .setIssuer(issuer)
      .setAudience('mcp-server')
      .setSubject(`usr_${caller}`)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime('60s')
      .sign(privateKey)
  return { jwks_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`, sign }
}

async function main({ at_once, kills, without_commit }: ReturnType<typeof options>) {
  const parts = createParts(line => process.stderr.write(`${line}\n`))
  try {
    const folder = await mkdtemp(join(tmpdir(), 'mcp-oidc-chaos-'))
    parts.add('folder', () => rm(folder, { recursive: true, force: true }))
    await chmod(folder, 0o711)
    const postgres = await startPostgres({ data_directory: join(folder, 'postgres') })
    parts.add('PostgreSQL', () => postgres.stop())
    const { jwks_url, sign } = await openIssuer(parts)
    const program = without_commit
      ? await copyWithoutCommit(join(folder, 'copy'))
      : root('mcp-server/main.ts')
    const [port = 0] = await freePorts(1)
    const log = openLogFile(join(folder, 'mcp-server.log'), () => undefined)
    parts.add('log', () => log.close())
    const url = `http://127.0.0.1:${port}`
    const start = async () => {
      const environment = {
        ...{ PORT: String(port), DATABASE_URL: postgres.url, GATEWAY_URL: issuer },
        ...{ JWKS_URL: jwks_url, METRICS_PORT: 'off' },
      }
      const child = startChild({ name: 'mcp-server', program, args: [], environment, log })
      const ended = new AbortController()
      void child.ended.then(how => ended.abort(new Error([how, ...log.tail].join('\n'))))
      await untilReady(answersAt(`${url}/readyz`), { patience: 30_000, signal: ended.signal })
      return child
    }
    let child = await start()
    parts.add('mcp-server', () => child.stop())
    const callers = startCallers(url, at_once, await someCompany(postgres.url), sign)
    const in_flight: number[] = []
    try {
      for (let kill = 0; kill < kills; kill += 1) {
        await untilBusy(callers.calls, kill)
        in_flight.push(callers.calls.in_flight.size)
        process.kill(child.pid ?? 0, 'SIGKILL')
        await child.ended
        child = await start()
        if ((kill + 1) % 10 === 0) process.stderr.write(`${kill + 1} kills\n`)
      }
    } finally {
      await callers.stop()
    }
    return conclude(callers.calls, in_flight, await verify(postgres.url, callers.calls))
  } finally {
    await parts.stop()
  }
}

/** Visible to every organization. */
async function someCompany(url: string): Promise<string> {
  const db = openDatabase(url, { max: 1 })
  try {
    const { rows } = await sql<{ id: string }>`
      select id from product.companies where org_id is null limit 1`.execute(db)
    if (!rows[0]) throw new Error('there is no company that everybody sees')
    return rows[0].id
  } finally {
    await db.destroy()
  }
}

/** Until results come again, calls enough are in flight, and a little later each time: never in step. */
async function untilBusy({ answered, in_flight }: Calls, kill: number): Promise<void> {
  const before = answered.size
  const pause = () => new Promise(resolve => setTimeout(resolve, 1))
  while (answered.size < before + 50 + 7 * (kill % 13) || in_flight.size < least_in_flight) {
    interrupted.signal.throwIfAborted()
    await pause()
  }
}

function conclude({ answered, sent }: Calls, in_flight: readonly number[], verdict: Verdict) {
  const { events, writes, without_event, without_started } = verdict
  process.stdout.write(
    [
      `Kills: ${in_flight.length}, each with ${Math.min(...in_flight)} to ${Math.max(...in_flight)} calls in flight`,
      `Calls: ${sent} sent, ${answered.size} results; ${events} events of calls in the trail`,
      `Results without an event: ${without_event.length}`,
      `Writes: ${writes}; without a "started": ${without_started.length}`,
      ...[...without_event, ...without_started].slice(0, 10).map(id => `  ${id}`),
      '',
    ].join('\n'),
  )
  return without_event.length === 0 && without_started.length === 0
}

try {
  const given = options()
  if (given.help) process.stdout.write(usage)
  else process.exitCode = (await main(given)) ? 0 : 1
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  if (error instanceof TypeError) process.stderr.write(`\n${usage}`)
  process.exitCode = error instanceof TypeError ? 2 : 1
}
