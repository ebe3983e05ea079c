import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { openDatabase } from '../../../storage/database.ts'
import { sql } from 'kysely'
import { compile_cache } from '../../../gateway/local/compile-cache.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { jwks, sign } from './assertion.ts'

const MAIN = new URL('../../../mcp-server/main.ts', import.meta.url)

let database: TestDatabase
let gateway: Server
let gateway_url: string
const children: ChildProcess[] = []
beforeAll(async () => {
  database = await createTestDatabase()
  gateway = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(jwks))
  }).listen(0, '127.0.0.1')
  await once(gateway, 'listening')
  gateway_url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`
})
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})
afterAll(async () => {
  gateway.closeAllConnections()
  gateway.close()
  await database.drop()
})

/** Starts the real process; `ended` gives its exit code and `output` what it said. */
function run(env: Record<string, string>, execArgv: readonly string[] = []) {
  const child = fork(MAIN, {
    env: { PATH: process.env.PATH ?? '', NODE_COMPILE_CACHE: compile_cache, ...env },
    silent: true,
    execArgv: [...execArgv],
  })
  children.push(child)
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const ended = once(child, 'close').then(([code]) => code as number | null)
  const ready = once(child, 'message').then(
    ([message]) => message as { type: string; port: number },
  )
  return { child, ready, ended, output: () => text }
}

const settings = () => ({
  PORT: '0',
  METRICS_PORT: 'off',
  DATABASE_URL: database.url,
  GATEWAY_URL: gateway_url,
})

const whoami = async (port: number) =>
  fetch(`http://127.0.0.1:${port}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await sign({ iss: gateway_url })}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'whoami' },
    }),
  })

describe('node mcp-server/main.ts', () => {
  it('serves with the keys of the gateway, and ends on SIGTERM', async () => {
    const { child, ready, ended, output } = run(settings())
    const { type, port } = await ready
    expect(type).toBe('ready')
    const answer = await whoami(port)
    expect(answer.status).toBe(200)
    expect(await answer.text()).toContain('bob@acme.example')
    // Kong keeps an idle connection for 60 seconds, and must be the first to let it go.
    expect(answer.headers.get('keep-alive')).toBe('timeout=75')
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    const lines = output()
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { msg: string })
    expect(lines.map(({ msg }) => msg)).toContain('listening')
  })

  it('lets a running call finish when it is told to stop', async () => {
    const { child, ready, ended, output } = run(settings())
    const { port } = await ready
    const db = openDatabase(database.url, { max: 1 })
    const { promise: locked, resolve: lock } = Promise.withResolvers<undefined>()
    const { promise: released, resolve: release } = Promise.withResolvers<undefined>()
    const holding = db.transaction().execute(async transaction => {
      await sql`lock table audit_events in exclusive mode`.execute(transaction)
      lock(undefined)
      await released
    })
    await locked
    const answer = whoami(port)
    await waitForLock(database.url)
    child.kill('SIGTERM')
    while (!output().includes('stopping')) await once(child.stdout ?? child, 'data')
    release(undefined)
    await holding
    expect(await (await answer).text()).toContain('bob@acme.example')
    expect(await ended).toBe(0)
    await db.destroy()
  })

  it('O02 O04 serves metrics on a port of their own, and is not ready without the keys', async () => {
    const { ready, output, child } = run({
      ...settings(),
      METRICS_PORT: '0',
      JWKS_URL: 'http://127.0.0.1:1/jwks',
    })
    const { port } = await ready
    while (!output().includes('metrics are served')) await once(child.stdout ?? child, 'data')
    const said = output()
      .split('\n')
      .find(line => line.includes('metrics are served'))
    const { port: metrics_port } = JSON.parse(said ?? '') as { port: number }
    const metrics = await (await fetch(`http://127.0.0.1:${metrics_port}/metrics`)).text()
    expect(metrics).toContain('# TYPE mcp_tool_calls_total counter')
    expect(metrics).toMatch(/^process_resident_memory_bytes \d+$/m)
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`)
    expect(answer.status).toBe(503)
    expect(await answer.text()).toContain('keys of the gateway')
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
  })

  it.each([
    [{}, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }, true],
  ])('O03 loads what tracing needs only where it is wanted: %j', async (env, wanted) => {
    const hook = `import { registerHooks } from 'node:module'
      registerHooks({ resolve(name, context, next) {
        if (name.startsWith('@opentelemetry/sdk')) process.stderr.write('loaded ' + name)
        return next(name, context)
      } })`
    const { ready, output, child, ended } = run({ ...settings(), ...env }, [
      '--import',
      `data:text/javascript,${encodeURIComponent(hook)}`,
    ])
    await ready
    child.kill('SIGTERM')
    await ended
    expect(output().includes('loaded @opentelemetry/sdk')).toBe(wanted)
  })

  it('names every setting that is wrong, and exits 1', async () => {
    const { ended, output } = run({ PORT: 'x', GATEWAY_URL: 'nowhere' })
    expect(await ended).toBe(1)
    expect(output()).toMatch(/PORT.*DATABASE_URL: is not set.*GATEWAY_URL/)
  })

  it('says that the port is taken, and exits 1', async () => {
    const { port } = gateway.address() as AddressInfo
    const { ended, output } = run({ ...settings(), PORT: String(port) })
    expect(await ended).toBe(1)
    expect(output()).toContain(`port ${port} of 127.0.0.1 is taken`)
  })

  it('says that the database is away, without its password, and exits 1', async () => {
    const DATABASE_URL = 'postgres://u:very-secret@127.0.0.1:1/none'
    const { ended, output } = run({ ...settings(), DATABASE_URL })
    expect(await ended).toBe(1)
    expect(output()).toContain('ECONNREFUSED')
    expect(output()).toContain('the database cannot be used')
    expect(output()).not.toContain('very-secret')
  })
})

/** Returns when a statement waits for a lock, which is when the call is running. */
async function waitForLock(url: string): Promise<void> {
  const db = openDatabase(url, { max: 1 })
  for (let waiting = 0; waiting === 0;) {
    const { rows } = await sql<{ waiting: number }>`
      select count(*) as waiting from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(db)
    waiting = rows[0]?.waiting ?? 0
  }
  await db.destroy()
}
