import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { JWTPayload } from 'jose'
import type { PermissionSource } from '../../../mcp-server/permissions/permission-source.ts'
import { tools } from '../../../mcp-server/tools/tools.ts'
import {
  bearer,
  call,
  post,
  RESOURCE_METADATA,
  type RpcAnswer,
  startServer,
  type TestServer,
} from './server.ts'

const viewer: JWTPayload = { roles: ['viewer'] }
const nobody: JWTPayload = { roles: ['janitor'] }
const reading = ['whoami', 'search_companies', 'get_company', 'list_saved_lists']
const modern = {
  _meta: {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  },
}

interface Listed {
  readonly result: { readonly tools: { name: string }[]; readonly cacheScope?: string }
}

async function list(server: TestServer, who: JWTPayload, era: 'legacy' | 'modern') {
  const body = {
    ...{ jsonrpc: '2.0', id: 1, method: 'tools/list' },
    ...(era === 'modern' && { params: modern }),
  }
  const headers = {
    ...(await bearer(who)),
    ...(era === 'modern' && { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' }),
  }
  const response = await post(server, body, headers)
  const text = await response.text()
  return JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? text) as Listed
}

const last = async (server: TestServer) => (await server.events()).at(-1)

describe('M02 what a role may use', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer()
  })
  afterAll(() => server.stop())

  it.each<[string, JWTPayload, string[]]>([
    ['an analyst', {}, tools.map(({ name }) => name)],
    ['a viewer', viewer, reading],
    ['somebody with a role nobody knows', nobody, ['whoami']],
    ['somebody without a role', { roles: [] }, ['whoami']],
  ])('is what %s is shown, in both eras', async (_name, who, names) => {
    for (const era of ['legacy', 'modern'] as const)
      expect((await list(server, who, era)).result.tools.map(({ name }) => name)).toEqual(names)
  })

  it('is private to the caller', async () => {
    expect((await list(server, viewer, 'modern')).result.cacheScope).toBe('private')
  })

  it.each<[string, Record<string, unknown>]>([
    ['valid', { list_name: 'Mine', company_id: 'cmp_0001' }],
    ['not valid', { nonsense: true }],
  ])('is not called by others, with arguments that are %s', async (_name, args) => {
    const runs = server.runs()
    const answer = await call(server, 'add_to_list', args, viewer)
    expect(answer.result?.isError).toBe(true)
    expect(answer.result?.content[0]?.text).toMatch(
      /needs lists:write, and the user has the role viewer in acme/,
    )
    expect(server.runs()).toBe(runs)
    expect(await last(server)).toMatchObject({
      ...{ type: 'tool_call', outcome: 'refused', error_code: 'forbidden', tool: 'add_to_list' },
      ...{ user_id: 'usr_bob', org_id: 'acme', email: 'bob@acme.example' },
    })
  })
})

describe('M02 G03 a tool that needs a further scope', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({
      permissions_yml: `
        roles: {analyst: [write], viewer: []}
        tools:
          whoami: {everyone: true}
          search_companies: {everyone: true}
          get_company: {everyone: true}
          list_saved_lists: {everyone: true, scope: mcp:lists}
          add_to_list:
            permission: write
            scope: mcp:write
            when:
              - {argument: list_name, scope: mcp:create}
              - {argument: list_id, equals: lst_0001, permission: everything}`,
    })
  })
  afterAll(() => server.stop())

  const send = async (name: string, args: object, who: JWTPayload) => {
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }
    return post(server, body, await bearer(who))
  }

  it.each<[object, string | undefined, string]>([
    [{ list_id: 'l', company_id: 'c' }, 'openid mcp:tools', 'mcp:tools mcp:write'],
    [{ list_name: 'l', company_id: 'c' }, 'mcp:tools', 'mcp:tools mcp:write mcp:create'],
    [{ list_name: 'l', company_id: 'c' }, 'mcp:tools mcp:write', 'mcp:tools mcp:write mcp:create'],
    [{ nonsense: 1 }, 'mcp:tools', 'mcp:tools mcp:write'],
  ])('%j with %s is told to ask for %s', async (args, scope, all) => {
    const runs = server.runs()
    const response = await send('add_to_list', args, { scope })
    expect(response.status).toBe(403)
    const challenge = response.headers.get('www-authenticate')
    expect(challenge).toMatch(/^Bearer error="insufficient_scope", /)
    expect(challenge).toContain(`scope="${all}"`)
    expect(challenge).toContain(`resource_metadata="${RESOURCE_METADATA}"`)
    expect(await response.json()).toMatchObject({ error: 'insufficient_scope', scope: all })
    expect(server.runs()).toBe(runs)
    expect(await last(server)).toMatchObject({
      ...{ type: 'tool_call', outcome: 'refused', tool: 'add_to_list' },
      error_code: 'insufficient_scope',
    })
  })

  it('runs with it', async () => {
    const response = await send('list_saved_lists', {}, { scope: 'mcp:tools mcp:lists' })
    expect(response.status).toBe(200)
    await response.text()
  })

  it('is listed without it, so that the client can ask', async () => {
    const { result } = await list(server, {}, 'legacy')
    expect(result.tools.map(({ name }) => name)).toContain('list_saved_lists')
  })

  it.each<[string, object, JWTPayload]>([
    ['a role that is missing', { list_id: 'l', company_id: 'c' }, viewer],
    ['a permission for this very list', { list_id: 'lst_0001', company_id: 'c' }, {}],
  ])('nobody is asked to grant what %s would still refuse', async (_name, args, who) => {
    const response = await send('add_to_list', args, { ...who, scope: 'mcp:tools' })
    expect(response.status).toBe(200)
    expect(await response.text()).toMatch(/is not allowed/)
  })

  it('what an argument means is judged by what the tool reads', async () => {
    const args = { list_id: ' lst_0001 ', company_id: 'c' }
    const response = await send('add_to_list', args, { scope: 'mcp:write' })
    expect(await response.text()).toMatch(/it needs everything/)
  })
})

describe('M02 when nobody can tell what somebody may do', () => {
  let server: TestServer
  let away = true
  const permissions: PermissionSource = {
    permissionsOf: () =>
      away ? Promise.reject(new Error('away')) : Promise.resolve(new Set(['lists:read'])),
  }
  beforeAll(async () => {
    server = await startServer({ permissions })
  })
  afterAll(() => server.stop())

  it.each(['tools/list', 'tools/call'])('%s is refused, and that is on record', async method => {
    const params = method === 'tools/call' ? { name: 'whoami', arguments: {} } : {}
    const body = { jsonrpc: '2.0', id: 1, method, params }
    const response = await post(server, body, await bearer())
    expect(response.status).toBe(503)
    const { error } = (await response.json()) as RpcAnswer
    expect(error?.message).toMatch(/cannot be told/)
    expect(server.runs()).toBe(0)
    expect(await last(server)).toMatchObject({ type: 'refusal', user_id: 'usr_bob' })
    expect(server.lines.join('')).toContain('it cannot be told what the caller may do')
  })

  it('a client may still connect, and goes on when they are back', async () => {
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'x', version: '1' },
    }
    const body = { jsonrpc: '2.0', id: 1, method: 'initialize', params }
    expect((await post(server, body, await bearer())).status).toBe(200)
    away = false
    expect((await call(server, 'list_saved_lists')).result?.isError ?? false).toBe(false)
    expect((await call(server, 'get_company', { id: 'cmp_0001' })).result?.isError).toBe(true)
  })
})
