import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JWTPayload, JWTVerifyGetKey } from 'jose'
import { pino } from 'pino'
import { type AppOptions, createApp } from '../../../mcp-server/app.ts'
import { openProductDatabase } from '../../../mcp-server/data/database.ts'
import { migrateProduct } from '../../../mcp-server/data/migrate.ts'
import { seedProduct } from '../../../mcp-server/data/seed.ts'
import { verifyIdentity } from '../../../mcp-server/identity/verify-identity.ts'
import { createMetrics } from '../../../mcp-server/metrics.ts'
import { parsePolicy } from '../../../mcp-server/permissions/parse-policy.ts'
import {
  type PermissionSource,
  rolePermissions,
} from '../../../mcp-server/permissions/permission-source.ts'
import type { Policy } from '../../../mcp-server/permissions/policy.ts'
import type { Tool } from '../../../mcp-server/tools/tool.ts'
import { createOpenRequests } from '../../../mcp-server/streams/open-requests.ts'
import { tools } from '../../../mcp-server/tools/tools.ts'
import { type Tracer, untraced } from '../../../mcp-server/tracing/tracer.ts'
import { createAuditWriter } from '../../../storage/audit-writer.ts'
import { type Database, openDatabase } from '../../../storage/database.ts'
import { createRefusalTally } from '../../../storage/refusal-tally.ts'
import { createTestDatabase } from '../../support/database.ts'
import { AUDIENCE, ISSUER, localKeys, sign } from './assertion.ts'

export const ALLOWED_ORIGIN = 'https://gateway.example'

export const RESOURCE_METADATA = `${ISSUER}/.well-known/oauth-protected-resource/mcp`

const permissions_yml = readFileSync(
  new URL('../../../config/permissions.yml', import.meta.url),
  'utf8',
)

/** The operator's own policy; tools that only a test has are everyone's. */
function policyFor(offered: readonly Tool[], given: string | undefined): Policy {
  const policy = parsePolicy(given ?? permissions_yml, given === undefined ? tools : offered)
  const everyone = offered.map(({ name }) => [name, { when: [] }] as const)
  return { ...policy, tools: new Map([...everyone, ...policy.tools]) }
}

export interface ServerOptions {
  readonly keys?: JWTVerifyGetKey
  readonly audit_url?: string
  readonly tools?: readonly Tool[]
  readonly tracer?: Tracer
  readonly audit_required?: boolean
  readonly log_ingest_token?: string
  readonly now?: () => number
  readonly checks?: NonNullable<AppOptions['checks']>
  /** In place of config/permissions.yml. */
  readonly permissions_yml?: string
  /** In place of the roles. */
  readonly permissions?: PermissionSource
}

/** A listening server over a database of its own, and a look into it. */
export async function startServer(options: ServerOptions = {}) {
  const database = await createTestDatabase()
  const lost = () => undefined
  const events = openDatabase(database.url, { max: 2 })
  const audit = openDatabase(options.audit_url ?? database.url, { max: 4 })
  const writer = createAuditWriter({ db: audit, clock: () => performance.now() })
  const data = openProductDatabase(database.url, lost)
  await migrateProduct(data)
  await seedProduct(data)
  const lines: string[] = []
  let runs = 0
  const counted = (options.tools ?? tools).map(tool => ({
    ...tool,
    prepare(raw: unknown) {
      const { input, run } = tool.prepare(raw)
      return {
        input,
        run: (context: Parameters<typeof run>[0]) => {
          runs += 1
          return run(context)
        },
      }
    },
  }))
  const policy = policyFor(options.tools ?? tools, options.permissions_yml)
  const metrics = createMetrics()
  const now = options.now ?? Date.now
  const tally = createRefusalTally({
    record: event => writer.write(event),
    now,
    failed: error => void lines.push(JSON.stringify({ level: 50, msg: String(error) })),
  })
  const requests = createOpenRequests(() => undefined)
  const mcp = createApp({
    verify: verifyIdentity({ issuer: ISSUER, audience: AUDIENCE, keys: options.keys ?? localKeys }),
    data,
    audit,
    trail: {
      write: event => writer.write(event),
      required: options.audit_required ?? true,
    },
    ...{ tally, now },
    log_ingest_token: options.log_ingest_token,
    allowed_origins: [ALLOWED_ORIGIN],
    log: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
    clock: () => performance.now(),
    requests,
    tools: counted,
    policy: () => policy,
    permissions: options.permissions ?? rolePermissions(() => policy),
    resource_metadata: RESOURCE_METADATA,
    metrics,
    ...(options.checks && { checks: options.checks }),
    tracer: options.tracer ?? untraced,
  })
  const server = createServer(mcp.app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    data,
    audit,
    requests,
    database_url: database.url,
    lines,
    metrics: () => metrics.registry.metrics(),
    drain: () => mcp.drain(),
    tally,
    /** How often the code of any tool ran. */
    runs: () => runs,
    events: () => auditEvents(events),
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      await tally.close()
      await Promise.all([events.destroy(), audit.destroy(), data.destroy()])
      await database.drop()
    },
  }
}

export type TestServer = Awaited<ReturnType<typeof startServer>>

const auditEvents = (db: Database) =>
  db.selectFrom('audit_events').selectAll().orderBy('id').execute()

/** One JSON-RPC request of the 2025-11-25 era, as somebody; the answer is a stream or JSON. */
export async function post(
  server: TestServer,
  body: unknown,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(`${server.url}/mcp`, {
    ...{ method: 'POST', signal: signal ?? null },
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2025-11-25',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

export const bearer = async (who: JWTPayload = {}) => ({
  authorization: `Bearer ${await sign(who)}`,
})

export interface RpcAnswer {
  readonly result?: {
    readonly isError?: boolean
    readonly content: readonly { readonly text: string }[]
    readonly structuredContent?: Record<string, unknown>
  }
  readonly error?: { readonly code: number; readonly message: string }
}

/** The JSON-RPC message in an answer, streamed or not. */
export async function messageOf(response: Response): Promise<RpcAnswer> {
  const text = await response.text()
  const data = /^data: (.*)$/m.exec(text)?.[1]
  return JSON.parse(data ?? text) as RpcAnswer
}

/** Calls a tool as somebody. */
export async function call(
  server: TestServer,
  name: string,
  args: Record<string, unknown> = {},
  who: JWTPayload = {},
  headers: Record<string, string> = {},
): Promise<RpcAnswer> {
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }
  return messageOf(await post(server, body, { ...(await bearer(who)), ...headers }))
}
