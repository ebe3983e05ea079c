import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { Alias, type Document, isMap, isSeq, parse, visit } from 'yaml'
import { openDatabase } from '../../storage/database.ts'
import { kong_yml } from '../support/kong-yml.ts'
import { obtainTokens } from '../support/oauth-flow.ts'
import { rawRequest } from '../support/raw-request.ts'
import { expectSoon } from '../support/soon.ts'
import { describeOwnStack, openGateway, type OpenGateway, ownStack } from '../support/stack.ts'

interface Plugin {
  readonly name: string
  readonly config: Readonly<Record<string, unknown>>
}

interface Commented {
  readonly tool_rules: unknown
  readonly limit: Plugin
  readonly http_log: Plugin
}

/** What config/kong.yml has as comments about limits for each tool, as it reads without them. */
function commented(): Commented {
  const lines = readFileSync(kong_yml, 'utf8').split('\n')
  const block = (first: RegExp) => {
    const at = lines.findIndex(line => first.test(line))
    const indent = `${/^\s*/.exec(lines[at] ?? '')?.[0] ?? ''}# `
    const end = lines.findIndex((line, n) => n > at && !line.startsWith(indent))
    return lines.slice(at, end).map(line => line.replace(/^(\s*)# /, '$1'))
  }
  const rules = parse(block(/^\s*# tool_rules:/).join('\n')) as { readonly tool_rules: unknown }
  const limit = block(/^\s*# - name: tool-rate-limiting/).filter(line => !line.includes('<<:'))
  const [plugin] = parse(limit.join('\n')) as [Plugin]
  const log = block(/^\s*# - name: http-log/).filter(line => !line.includes('*redacted'))
  const [http_log] = parse(log.join('\n')) as [Plugin]
  return { tool_rules: rules.tool_rules, limit: plugin, http_log }
}

const minute = 5
const registrations = 10

function limitTools(document: Document): void {
  const { tool_rules, limit, http_log } = commented()
  const log = document.createNode(http_log)
  log.setIn(['config', 'custom_fields_by_lua'], new Alias('redacted'))
  document.addIn(['plugins'], log)
  document.setIn(['routes', 1, 'plugins', 2, 'config', 'minute'], registrations)
  visit(document, {
    Seq(_key, node) {
      const ours = node.items.find(item => isMap(item) && item.get('name') === 'mcp-oidc')
      if (!isMap(ours) || ours.getIn(['config', 'serve']) !== 'resource') return
      ours.setIn(['config', 'tool_rules'], document.createNode(tool_rules))
      const config = { ...limit.config, policy: 'local', fault_tolerant: true, minute }
      if (isSeq(node)) node.add(document.createNode({ ...limit, config }))
    },
  })
}

describeOwnStack('limits for each tool', 'a configuration of its own', () => {
  let gateway: OpenGateway
  const tokens: Record<string, string> = {}
  beforeAll(async () => {
    gateway = await openGateway(limitTools)
    for (const user of ['alice', 'bob'])
      tokens[user] = (
        await obtainTokens(gateway.url, { user: `${user}@acme.example` })
      ).access_token
  }, 60_000)
  afterAll(() => gateway.close())

  const modern = {
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  }
  interface Asked {
    readonly user?: string
    readonly era?: 'legacy' | 'modern'
    readonly headers?: readonly string[]
    readonly body?: string
  }

  function send(tool: string, { user = 'alice', era = 'legacy', headers = [], body }: Asked = {}) {
    const params = { name: tool, arguments: {}, ...(era === 'modern' ? modern : {}) }
    const named = era === 'modern' ? ['Mcp-Method', 'tools/call', 'Mcp-Name', tool] : []
    return rawRequest(gateway.url, '/mcp', {
      method: 'POST',
      headers: [
        ...['Content-Type', 'application/json'],
        ...['Accept', 'application/json, text/event-stream'],
        ...['MCP-Protocol-Version', era === 'modern' ? '2026-07-28' : '2025-11-25'],
        ...['Authorization', `Bearer ${tokens[user] ?? ''}`],
        ...named,
        ...headers,
      ],
      body: body ?? JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
    })
  }

  it('G07 count a user and a tool, in both eras together, whatever the client says of it', async () => {
    const counted: number[] = []
    // A minute may end in between: then there are two of them, and more calls than in one.
    for (let n = 0; n < 2 * minute + 2; n += 1) {
      const headers = ['X-Mcp-Tool', `made-up-${n}`, 'X_Mcp_Tool', `made-up-${n}`]
      const era = n % 2 === 0 ? 'legacy' : 'modern'
      counted.push((await send('search_companies', { era, headers })).status)
    }
    expect(counted.slice(0, minute)).toEqual(Array(minute).fill(200))
    expect(counted).toContain(429)
    const refused = await send('search_companies', { era: 'modern' })
    expect(refused.status).toBe(429)
    expect(refused.headers['retry-after']).toMatch(/^\d+$/)
    expect((await send('whoami')).status).toBe(200)
    expect((await send('search_companies', { user: 'bob' })).status).toBe(200)
  })

  it('M05 G07 are in the audit trail, each of somebody known and those of nobody by the minute', async () => {
    const { database_url, mcp_server_url } = ownStack(gateway)
    const db = openDatabase(database_url, { max: 1 })
    const refused = async (limited_by: string) =>
      db
        .selectFrom('audit_events')
        .selectAll()
        .where('type', '=', 'rate_limit')
        .where('limited_by', '=', limited_by)
        .execute()
    const statuses: number[] = []
    for (let n = 0; n < minute + 2; n += 1)
      statuses.push((await send('add_to_list', { user: 'bob' })).status)
    const body = JSON.stringify({ redirect_uris: ['http://127.0.0.1/cb'] })
    for (let n = 0; n < 2 * registrations + 2; n += 1)
      statuses.push((await rawRequest(gateway.url, '/register', { method: 'POST', body })).status)
    const of_bob = statuses.slice(0, minute + 2).filter(status => status === 429).length
    const of_nobody = statuses.slice(minute + 2).filter(status => status === 429).length
    expect([of_bob, of_nobody].every(refusals => refusals > 0)).toBe(true)
    const bobs = async () =>
      (await refused('tool')).filter(({ email }) => email === 'bob@acme.example')
    await expectSoon(async () => (await bobs()).length, of_bob)
    expect((await bobs())[0]).toMatchObject({
      ...{ outcome: 'refused', tool: 'add_to_list', route: 'mcp', org_id: 'acme' },
      ...{ error_code: 'rate_limited', ip: '127.0.0.1', user_id: expect.stringMatching(/^usr_/) },
      request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
    // Counted, and on record once its minute is over or the server ends: that is tested elsewhere.
    expect(await refused('ip')).toEqual([])
    const forged = await rawRequest(gateway.url, '/kong-log', { method: 'POST', body: '[]' })
    const direct = await fetch(`${mcp_server_url}/kong-log`, { method: 'POST', body: '[]' })
    expect([forged.status, direct.status]).toEqual([404, 401])
    await db.destroy()
  }, 20_000)

  it('G06 a batch, a story told in two ways, and headers that disagree reach no tool', async () => {
    const one = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'whoami' } }
    const batch = await send('whoami', { user: 'bob', body: JSON.stringify([one]) })
    expect([batch.status, batch.body]).toEqual([400, expect.stringContaining('batch')])
    const twice = JSON.stringify(one).replace('"id":1', '"id":1,"Method":"tools/list"')
    expect((await send('whoami', { user: 'bob', body: twice })).status).toBe(400)
    const headers = ['Mcp-Method', 'tools/list']
    const other = await send('whoami', { user: 'bob', headers })
    expect([other.status, other.body]).toEqual([400, expect.stringContaining('-32020')])
  })
})
