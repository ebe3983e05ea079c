import { afterEach, describe, expect, it } from '@jest/globals'
import { admit, openGateway } from './local-gateway.ts'
import type { Access } from './local-gateway.ts'

type Opened = Awaited<ReturnType<typeof openGateway>>
let gateway: Opened | undefined

afterEach(async () => {
  await gateway?.close()
  gateway = undefined
})

async function open(setup: Parameters<typeof openGateway>[0] = {}): Promise<Opened> {
  gateway = await openGateway(setup)
  return gateway
}

const token = ['Authorization', 'Bearer client']
const names = ['x-user-id', 'x-org-id', 'x-user-email', 'x-client-id', 'x-request-id']
const spellings = names.flatMap(name => [
  name,
  name.toUpperCase(),
  name.replaceAll('-', '_'),
  name.replace('-', '_'),
])
const filler = Array.from({ length: 119 }, (_, n) => [`X-Filler-${n}`, 'x']).flat()

describe('identity headers of the client', () => {
  it.each([
    ['in one spelling each', names.flatMap(name => [name, 'attacker'])],
    ['in every spelling', spellings.flatMap(name => [name, 'attacker'])],
    ['twice', [...names, ...names].flatMap(name => [name, 'attacker'])],
    ['behind 119 others', [...filler, ...spellings.flatMap(name => [name, 'attacker'])]],
  ])('G02 never reach the upstream nor the plugin: %s', async (_, headers) => {
    let seen = ''
    const { send, arrived } = await open({
      access: async kong => {
        seen = JSON.stringify([
          await Promise.all(names.map(name => kong.request.getHeader(name))),
          await kong.request.getHeaders(1000),
        ])
        await admit(kong, undefined)
      },
    })
    const response = await send('/mcp', { headers: [...token, ...headers] })
    expect(response.status).toBe(200)
    expect(JSON.stringify(arrived)).not.toContain('attacker')
    expect(seen).not.toContain('attacker')
    expect(arrived[0]?.headers).toMatchObject({
      authorization: 'Bearer assertion',
      'x-user-id': 'usr_alice',
    })
  })

  it('G02 are neither believed nor removed by way of Connection', async () => {
    const { send, arrived } = await open()
    await send('/mcp', {
      headers: [...token, 'X-Org-Id', 'attacker', 'Connection', 'close, X-User-Id, X-Org-Id'],
    })
    expect(arrived[0]?.headers).toMatchObject({ 'x-user-id': 'usr_alice' })
    expect(JSON.stringify(arrived)).not.toContain('attacker')
  })
})

describe('nothing reaches the upstream', () => {
  const cases: readonly [string, Access][] = [
    ['G01 when the plugin lets a request pass without an identity', async () => {}],
    ['G01 when the plugin throws', () => Promise.reject(new Error('bug'))],
    [
      'G01 when the plugin empties Authorization',
      kong => kong.service.request.setHeader('Authorization', ''),
    ],
    [
      'G01 when the plugin removes Authorization',
      kong => kong.service.request.clearHeader('authorization'),
    ],
  ]
  it.each(cases)('%s', async (_, access) => {
    const { send, arrived } = await open({ access })
    expect((await send('/mcp', { headers: token })).status).toBe(503)
    expect(arrived).toEqual([])
  })

  it('G01 without a plugin on the route', async () => {
    const { send, arrived } = await open()
    expect((await send('/unplugged', { headers: token })).status).toBe(503)
    expect((await send('/unplugged')).status).toBe(503)
    expect(arrived).toEqual([])
  })

  it('G01 when the plugin server has gone, from the first request or a later one', async () => {
    const { send, arrived, stopPluginServer, events } = await open()
    expect((await send('/mcp', { headers: token })).status).toBe(200)
    await stopPluginServer()
    expect((await send('/mcp', { headers: token })).status).toBe(503)
    expect((await send('/stripped', { headers: token })).status).toBe(503)
    expect(arrived).toHaveLength(1)
    expect(events).toContainEqual(
      expect.objectContaining({ msg: 'plugin server failed', code: 'unreachable' }),
    )
  })

  it('G01 while the plugin refuses its configuration: 500, at once, every time', async () => {
    const { send, arrived } = await open({
      construct: () => {
        throw new Error('no such issuer')
      },
    })
    const answers = await Promise.all([1, 2, 3].map(() => send('/mcp', { headers: token })))
    expect(answers.map(({ status }) => status)).toEqual([500, 500, 500])
    expect(JSON.stringify(answers)).not.toContain('no such issuer')
    expect(arrived).toEqual([])
  })

  it('G01 when Authorization is sent twice', async () => {
    const { send, arrived } = await open()
    expect((await send('/mcp', { headers: [...token, ...token] })).status).toBe(400)
    expect(arrived).toEqual([])
  })

  it('but what the upstream itself must refuse, with the guard switched off', async () => {
    const { send, arrived } = await open({
      access: async () => {},
      options: { enforce_guards: false },
    })
    await send('/mcp', { headers: [...token, 'X-User-Id', 'attacker'] })
    expect(arrived).toMatchObject([{ headers: { authorization: 'Bearer client' } }])
    expect(arrived[0]?.headers).not.toHaveProperty('x-user-id')
  })
})

describe('a path', () => {
  it.each([
    ['//mcp', '/mcp'],
    ['/mcp/', '/mcp/'],
    ['/x/../mcp', '/mcp'],
    ['/mc%70?a=%2e', '/mcp?a=%2e'],
    ['/mcp?', '/mcp?'],
  ])('G04 %s reaches the upstream as %s, with an identity', async (path, url) => {
    const { send, arrived } = await open()
    await send(path, { headers: token })
    expect(arrived).toMatchObject([{ url, headers: { authorization: 'Bearer assertion' } }])
  })

  it.each([
    ['/mcp%2f', 404],
    ['/MCP', 404],
    ['/mcp/..', 404],
    ['/mcp/../x', 404],
    ['/mcpx', 404],
    ['/mcp/x', 404],
    ['/mcp;x', 404],
    ['/mcp%0a', 404],
    ['/mcp%00', 400],
    ['/mcp%', 400],
    ['/../mcp', 400],
    ['*', 400],
  ])('G04 %s is answered %i and reaches nothing', async (path, status) => {
    const { send, arrived } = await open()
    const response = await send(path, { headers: token })
    expect([response.status, arrived]).toEqual([status, []])
    expect(JSON.parse(response.body)).toHaveProperty('message')
  })
})

describe('the plugin server', () => {
  it('is found again after it was restarted', async () => {
    const { send, restartPluginServer } = await open()
    await send('/mcp', { headers: token })
    await restartPluginServer()
    expect((await send('/mcp', { headers: token })).status).toBe(200)
  })

  it('gets one instance for each entity, with its own configuration', async () => {
    const configs = new Set<unknown>()
    const { send } = await open({
      access: async (kong, config) => {
        configs.add(config)
        await kong.response.exit(204)
      },
    })
    for (const path of ['/mcp', '/token', '/mcp', '/stripped/a']) await send(path)
    expect([...configs]).toEqual([
      expect.objectContaining({ note: 'resource', __plugin_id: expect.any(String) }),
      expect.objectContaining({ note: 'authorization' }),
      expect.objectContaining({ note: 'none' }),
    ])
  })
})
