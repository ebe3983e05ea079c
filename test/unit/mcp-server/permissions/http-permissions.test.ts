import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { httpPermissions } from '../../../../mcp-server/permissions/http-permissions.ts'

const alice = {
  ...{ user_id: 'usr_a', org_id: 'acme', email: 'alice@acme.example', roles: ['admin'] },
  ...{ scope: 'mcp:tools', client_id: 'client', connection_id: 'con_1' },
}

describe('M02 permissions from the API of the company', () => {
  let server: Server
  let answer: RequestListener
  let asked: { headers: Record<string, unknown>; body: unknown }[]
  let time = 0
  const permissions = (...names: string[]): RequestListener => {
    return (_req, res) => void res.end(JSON.stringify({ permissions: names }))
  }

  beforeEach(async () => {
    asked = []
    time = 0
    server = createServer((req, res) => {
      let text = ''
      req.on('data', chunk => (text += String(chunk)))
      req.on('end', () => {
        asked.push({ headers: req.headers, body: JSON.parse(text) as unknown })
        answer(req, res)
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(() => {
    server.close()
    server.closeAllConnections()
  })

  const source = (timeout = 5_000) =>
    httpPermissions({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/may`,
      token: 'the-token-of-this-server',
      ...{ timeout, max_age: 30_000, clock: () => time },
    })

  it('are asked for with the person, and no more', async () => {
    answer = permissions('read', 'write')
    expect(await source().permissionsOf(alice)).toEqual(new Set(['read', 'write']))
    const { user_id, org_id, email, roles } = alice
    expect(asked).toMatchObject([
      {
        headers: { authorization: 'Bearer the-token-of-this-server' },
        body: { user_id, org_id, email, roles },
      },
    ])
    expect(Object.keys(asked[0]?.body as object)).toEqual(['user_id', 'org_id', 'email', 'roles'])
  })

  it('are asked for once by many, and believed for their age, for this person only', async () => {
    answer = permissions('read')
    const { permissionsOf } = source()
    await Promise.all(Array.from({ length: 20 }, () => permissionsOf(alice)))
    expect(asked).toHaveLength(1)
    time = 29_999
    await permissionsOf(alice)
    expect(asked).toHaveLength(1)
    answer = permissions('write')
    expect(await permissionsOf({ ...alice, org_id: 'globex' })).toEqual(new Set(['write']))
    expect(await permissionsOf({ ...alice, roles: [] })).toEqual(new Set(['write']))
    time = 30_000
    expect(await permissionsOf(alice)).toEqual(new Set(['write']))
    expect(asked).toHaveLength(4)
  })

  it.each<[string, RequestListener]>([
    ['403', (_req, res) => void res.writeHead(403).end('{"permissions":["read"]}')],
    ['201', (_req, res) => void res.writeHead(201).end('{"permissions":["read"]}')],
    ['a redirect', (_req, res) => void res.writeHead(307, { location: '/may' }).end()],
    ['no JSON', (_req, res) => void res.end('<html>')],
    ['no list', (_req, res) => void res.end('{"permissions":"*"}')],
    ['a list of something else', (_req, res) => void res.end('{"permissions":[{"name":"read"}]}')],
    ['far too much', (_req, res) => void res.end(`{"permissions":["${'x'.repeat(70_000)}"]}`)],
    ['half an answer', (_req, res) => void res.write('{"permis', () => res.destroy())],
    ['nothing', req => void req.socket.destroy()],
  ])('are nobody’s when it answers %s, and are asked for again', async (_name, bad) => {
    answer = bad
    const { permissionsOf } = source()
    await expect(permissionsOf(alice)).rejects.toThrow()
    answer = permissions('read')
    expect(await permissionsOf(alice)).toEqual(new Set(['read']))
  })

  it('are nobody’s when it does not answer in time', async () => {
    answer = () => undefined
    await expect(source(50).permissionsOf(alice)).rejects.toThrow(/time/)
  })

  it('are nobody’s an age after the last good answer, when it is away', async () => {
    answer = permissions('read')
    const { permissionsOf } = source()
    await permissionsOf(alice)
    answer = req => void req.socket.destroy()
    time = 30_000
    await expect(permissionsOf(alice)).rejects.toThrow()
  })
})
