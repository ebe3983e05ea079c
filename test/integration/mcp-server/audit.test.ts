import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { argumentDigest } from '../../../mcp-server/audit/argument-digest.ts'
import { openDatabase } from '../../../storage/database.ts'
import type { Tool } from '../../../mcp-server/tools/tool.ts'
import { tools } from '../../../mcp-server/tools/tools.ts'
import { bearer, call, messageOf, post, startServer, type TestServer } from './server.ts'

const WHO = {
  user_id: 'usr_bob',
  org_id: 'acme',
  email: 'bob@acme.example',
  client_id: 'client-1',
  connection_id: 'connection-1',
}
const MODERN = '2026-07-28'

/** A request of the 2026-07-28 era: everything is in it. */
const modern = (method: string, params: Record<string, unknown> = {}) => ({
  jsonrpc: '2.0',
  id: 1,
  method,
  params: {
    ...params,
    _meta: {
      'io.modelcontextprotocol/protocolVersion': MODERN,
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
})
const legacy = (method: string, params: Record<string, unknown> = {}) => ({
  jsonrpc: '2.0',
  id: 1,
  method,
  params,
})

let server: TestServer
let serial = 0
beforeAll(async () => {
  const failing: Tool = {
    ...(tools[0] as Tool),
    name: 'failing',
    prepare: () => ({ input: {}, run: () => Promise.reject(new Error('secret detail')) }),
  }
  server = await startServer({ tools: [...tools, failing] })
})
afterAll(() => server.stop())

/** Does something under a request id of its own; gives its answer and what is on record of it. */
async function traced<T>(act: (headers: Record<string, string>) => Promise<T>) {
  const request_id = `trace-${++serial}`
  const answer = await act({ 'x-request-id': request_id })
  const events = (await server.events()).filter(event => event.request_id === request_id)
  return { answer, events }
}

const trace = (name: string, args: Record<string, unknown>) =>
  traced(headers => call(server, name, args, {}, headers))

describe.each(['2025-11-25', MODERN])('in the era of %s', version => {
  const send = (method: string, params: Record<string, unknown>) =>
    traced(async headers => {
      const body = version === MODERN ? modern(method, params) : legacy(method, params)
      const name = { 'mcp-method': method, 'mcp-name': String(params.name) }
      const era = { 'mcp-protocol-version': version, ...(version === MODERN && name) }
      return messageOf(await post(server, body, { ...(await bearer()), ...headers, ...era }))
    })

  it('M04 records a call that went well, with every field', async () => {
    const args = { limit: 3, query: 'a' }
    const { answer, events } = await send('tools/call', {
      name: 'search_companies',
      arguments: args,
    })
    expect(answer.result?.structuredContent).toBeDefined()
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({
      ...WHO,
      type: 'tool_call',
      outcome: 'ok',
      tool: 'search_companies',
      argument_digest: argumentDigest(args),
      error_code: null,
    })
    expect(events[0]?.at).toBeInstanceOf(Date)
    expect(events[0]?.duration_ms).toBeGreaterThanOrEqual(0)
  })

  it('M04 records bad arguments', async () => {
    const { answer, events } = await send('tools/call', {
      name: 'get_company',
      arguments: { id: 7 },
    })
    expect(answer.result?.isError).toBe(true)
    expect(events).toMatchObject([
      { ...WHO, outcome: 'error', error_code: 'invalid_arguments', tool: 'get_company' },
    ])
  })

  it('M04 records an unknown tool, which is a protocol error', async () => {
    const { answer, events } = await send('tools/call', { name: 'x'.repeat(500), arguments: {} })
    expect(answer.error?.code).toBe(-32_602)
    expect(events).toMatchObject([
      { ...WHO, outcome: 'refused', error_code: 'unknown_tool', tool: 'x'.repeat(100) },
    ])
  })

  it('M04 records a call the SDK refuses before any of our code', async () => {
    const { answer, events } = await send('tools/call', { name: 'whoami', arguments: 'text' })
    expect(answer.error).toBeDefined()
    expect(events).toMatchObject([{ ...WHO, type: 'refusal', outcome: 'refused' }])
  })

  it('M04 records an unknown method', async () => {
    const { answer, events } = await send('tools/destroy', { name: 'x' })
    expect(answer.error?.code).toBe(-32_601)
    expect(events).toMatchObject([{ ...WHO, type: 'refusal', error_code: '-32601' }])
  })

  it('records nothing for a list of tools', async () => {
    const { answer, events } = await send('tools/list', {})
    expect(answer.error).toBeUndefined()
    expect(events).toEqual([])
  })
})

describe('what is on record', () => {
  it('M04 has a started event before a tool that writes', async () => {
    const args = { list_name: 'Audited', company_id: 'cmp_0001' }
    const { events } = await trace('add_to_list', args)
    expect(events.map(({ outcome }) => outcome)).toEqual(['started', 'ok'])
    expect(events[0]).toMatchObject({
      ...WHO,
      duration_ms: null,
      argument_digest: argumentDigest(args),
    })
    const bad = await trace('add_to_list', { company_id: 'cmp_0001' })
    expect(bad.events.at(-1)).toMatchObject({ outcome: 'error', error_code: 'invalid_arguments' })
  })

  it('M04 has a tool that failed, whose reason does not leave', async () => {
    const { answer, events } = await trace('failing', {})
    expect(answer.result?.isError).toBe(true)
    expect(JSON.stringify(answer)).not.toContain('secret detail')
    expect(server.lines.join('')).toContain('secret detail')
    expect(events).toMatchObject([{ outcome: 'error', error_code: 'internal_error' }])
  })

  it('M04 has what was not found', async () => {
    const { events } = await trace('get_company', { id: 'cmp_9999' })
    expect(events).toMatchObject([{ outcome: 'error', error_code: 'not_found' }])
  })

  it('M04 has arguments nobody could digest, and a name with NUL', async () => {
    let nested: unknown = 1
    for (let depth = 0; depth < 200; depth++) nested = [nested]
    const { events } = await trace('get_company', { id: nested })
    expect(events).toMatchObject([{ error_code: 'invalid_arguments', argument_digest: null }])
    expect((await trace('a\0b', {})).events).toMatchObject([{ error_code: 'unknown_tool' }])
  })

  it('M06 is in the log too', async () => {
    await traced(headers => call(server, 'whoami', {}, {}, headers))
    const line = server.lines.find(entry => entry.includes(`trace-${serial}`)) ?? '{}'
    expect(JSON.parse(line)).toMatchObject({ msg: 'audit', event: { ...WHO, tool: 'whoami' } })
  })
})

describe('when events cannot be recorded', () => {
  let broken: TestServer
  beforeAll(async () => {
    broken = await startServer()
    await sql`alter table audit_events rename to gone`.execute(broken.audit)
  })
  afterAll(() => broken.stop())

  it('M04 gives no result', async () => {
    const answer = await call(broken, 'whoami')
    expect(answer.error?.code).toBe(-32_603)
    expect(JSON.stringify(answer)).not.toContain('usr_bob')
  })

  it('M04 does not begin a write', async () => {
    const before = broken.runs()
    const args = { list_name: 'Unrecorded', company_id: 'cmp_0001' }
    expect((await call(broken, 'add_to_list', args)).error?.code).toBe(-32_603)
    expect(broken.runs()).toBe(before)
    const lists = await broken.data.selectFrom('product.saved_lists').select('name').execute()
    expect(lists.map(({ name }) => name)).not.toContain('Unrecorded')
  })

  it('M04 says so instead of an error, too', async () => {
    for (const body of ['[]', JSON.stringify(modern('tools/destroy'))]) {
      const response = await post(broken, body, {
        ...(await bearer()),
        ...(body !== '[]' && { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/destroy' }),
      })
      expect(response.status).toBe(503)
      expect(await response.json()).toMatchObject({ error: { code: -32_603 } })
    }
    const old = await messageOf(await post(broken, legacy('tools/destroy'), await bearer()))
    expect(old).toMatchObject({ error: { code: -32_603 } })
  })

  it('recovers without a restart', async () => {
    await sql`alter table gone rename to audit_events`.execute(broken.audit)
    expect((await call(broken, 'whoami')).result?.structuredContent).toMatchObject({
      user_id: 'usr_bob',
    })
  })
})

describe('when events need not be recorded', () => {
  it('K05 a call goes on, and the log has what the trail has not', async () => {
    const lax = await startServer({ audit_required: false })
    try {
      await sql`alter table audit_events rename to gone`.execute(lax.audit)
      expect((await call(lax, 'whoami')).result?.structuredContent).toMatchObject({
        user_id: 'usr_bob',
      })
      const said = lax.lines.map(line => JSON.parse(line) as Record<string, unknown>)
      expect(said).toContainEqual(
        expect.objectContaining({
          level: 50,
          msg: expect.stringContaining('AUDIT_REQUIRED is false'),
          event: expect.objectContaining({ ...WHO, tool: 'whoami' }),
        }),
      )
    } finally {
      await lax.stop()
    }
  })
})

describe('when the database is away', () => {
  it('is not ready, answers nothing, and stays up', async () => {
    const unreachable = 'postgres://nobody@127.0.0.1:1/none'
    const alone = await startServer({ audit_url: unreachable })
    try {
      expect((await fetch(`${alone.url}/readyz`)).status).toBe(503)
      expect((await fetch(`${alone.url}/healthz`)).status).toBe(200)
      expect((await call(alone, 'whoami')).error?.code).toBe(-32_603)
    } finally {
      await alone.stop()
    }
    await openDatabase(unreachable).destroy()
  })
})
