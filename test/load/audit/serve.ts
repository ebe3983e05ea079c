import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import express from 'express'
import { createLocalJWKSet, type JSONWebKeySet } from 'jose'
import { pino } from 'pino'
import { createApp } from '../../../mcp-server/app.ts'
import { openProductDatabase } from '../../../mcp-server/data/database.ts'
import { migrateProduct } from '../../../mcp-server/data/migrate.ts'
import { verifyIdentity } from '../../../mcp-server/identity/verify-identity.ts'
import { createMetrics } from '../../../mcp-server/metrics.ts'
import { rolePermissions } from '../../../mcp-server/permissions/permission-source.ts'
import { createOpenRequests } from '../../../mcp-server/streams/open-requests.ts'
import { whoami } from '../../../mcp-server/tools/whoami.ts'
import { untraced } from '../../../mcp-server/tracing/tracer.ts'
import { createAuditWriter } from '../../../storage/audit-writer.ts'
import { openDatabase } from '../../../storage/database.ts'
import { migrate } from '../../../storage/migrate.ts'

/*
 * A server for load/audit.ts, in a process of its own: mcp-server's app with its trail (`durable`) or
 * with a trail that takes everything and keeps nothing (`off`), or a server of the SDK alone (`plain`).
 */
export type Variant = 'durable' | 'off' | 'plain'

export interface Served {
  readonly variant: Variant
  readonly database_url: string
  readonly jwks: JSONWebKeySet
  readonly issuer: string
}

const quiet = pino({ level: 'silent' })
const clock = () => performance.now()

async function ours({ variant, database_url, jwks, issuer }: Served) {
  const audit = openDatabase(database_url)
  await migrate(audit)
  const data = openProductDatabase(database_url, error => quiet.error(error))
  await migrateProduct(data)
  const writes = openDatabase(database_url, { application_name: 'audit-writes', max: 1 })
  const writer = createAuditWriter({ db: writes, clock })
  const policy = {
    ...{ roles: new Map(), organizations: new Map() },
    tools: new Map([['whoami', { when: [] }]]),
  }
  const nothing = () => Promise.resolve()
  return createApp({
    verify: verifyIdentity({ issuer, audience: 'mcp-server', keys: createLocalJWKSet(jwks) }),
    ...{ data, audit, clock, now: Date.now, log: quiet, tracer: untraced },
    trail: {
      write: variant === 'durable' ? event => writer.write(event) : nothing,
      required: true,
    },
    tally: { count: () => undefined },
    allowed_origins: [],
    metrics: createMetrics(),
    requests: createOpenRequests(() => undefined),
    policy: () => policy,
    permissions: rolePermissions(() => policy),
    resource_metadata: `${issuer}/.well-known/oauth-protected-resource/mcp`,
    tools: [whoami],
  }).app
}

/** What the SDK does by itself: no identity, no permissions, no record. */
function plain() {
  const mcp = createMcpHandler(() => {
    const server = new McpServer({ name: 'plain', version: '1.0.0' })
    server.registerTool('whoami', { description: 'Says hello' }, () => ({
      content: [{ type: 'text', text: '{"user_id":"usr_nobody"}' }],
    }))
    return server
  })
  const handle = toNodeHandler(mcp)
  return express().all('/mcp', (req, res) => handle(req, res))
}

async function serve(served: Served): Promise<void> {
  const listener = served.variant === 'plain' ? plain() : await ours(served)
  const server = createServer(listener).listen(0, '127.0.0.1', () =>
    process.send?.((server.address() as AddressInfo).port),
  )
}

process.once('message', (served: Served) => {
  serve(served).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`)
    process.exit(1)
  })
  process.on('message', () => process.send?.(process.cpuUsage()))
})
// Whoever started it is gone.
process.once('disconnect', () => process.exit(0))
