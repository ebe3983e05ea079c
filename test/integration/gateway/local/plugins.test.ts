import { existsSync, readFileSync, statSync } from 'node:fs'
import { afterEach, describe, expect, it } from '@jest/globals'
import type { Pdk } from '../../../../gateway/plugin-server/pdk.ts'
import { admit, openGateway } from './local-gateway.ts'

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
const exit = (kong: Pdk) =>
  kong.response.exit(401, '{"error":"invalid_token"}', {
    'content-type': 'application/json',
    'set-cookie': ['a=1; Path=/', 'b=2'],
  })

describe('an answer of the plugin', () => {
  it('arrives as it was given, and nothing goes upstream', async () => {
    const { send, arrived } = await open({ access: exit })
    const response = await send('/mcp')
    expect(response).toMatchObject({ status: 401, body: '{"error":"invalid_token"}' })
    expect(response.headers['set-cookie']).toEqual(['a=1; Path=/', 'b=2'])
    expect(response.headers['content-length']).toBe('25')
    expect(arrived).toEqual([])
  })

  it('carries the request id and the CORS headers', async () => {
    const { send } = await open({ access: exit })
    const { headers } = await send('/mcp')
    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'X-Request-Id',
    })
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('has the headers that were set before it', async () => {
    const { send } = await open({
      access: async kong => {
        await kong.response.setHeader('X-A', '1')
        await kong.response.setHeaders({ 'X-B': ['2', '3'] })
        await kong.response.exit(204)
      },
    })
    const response = await send('/mcp')
    expect(response).toMatchObject({ status: 204, headers: { 'x-a': '1', 'x-b': '2, 3' } })
  })

  it('to HEAD has no body', async () => {
    const { send } = await open({ access: exit })
    expect(await send('/mcp', { method: 'HEAD' })).toMatchObject({ status: 401, body: '' })
  })

  it('is needed where there is no upstream', async () => {
    const { send } = await open()
    expect((await send('/token')).body).toContain('no Service found with those values')
    expect((await send('/bare')).status).toBe(503)
  })
})

describe('a preflight', () => {
  const asked = ['Origin', 'https://app.example', 'Access-Control-Request-Method', 'POST']

  it('D04 is answered before the plugin', async () => {
    const { send, arrived } = await open({ access: exit })
    const response = await send('/mcp', { method: 'OPTIONS', headers: asked })
    expect(response).toMatchObject({
      status: 200,
      body: '',
      headers: {
        'access-control-allow-origin': '*',
        'access-control-allow-headers': 'Authorization',
        'access-control-allow-methods': 'GET,POST',
        'access-control-max-age': '60',
      },
    })
    expect(arrived).toEqual([])
  })

  it('is no preflight without a requested method', async () => {
    const { send } = await open({ access: exit })
    const response = await send('/mcp', { method: 'OPTIONS', headers: asked.slice(0, 2) })
    expect(response.status).toBe(401)
  })
})

describe('the request id', () => {
  it('G02 is made here, the same for client and upstream, whatever the client sent', async () => {
    const { send, arrived } = await open()
    const response = await send('/mcp', {
      headers: [...token, 'X_Request_Id', 'mine', 'X-Request-ID', 'mine'],
    })
    const id = response.headers['x-request-id']
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
    expect(arrived[0]?.headers['x-request-id']).toBe(id)
  })
})

describe('the PDK', () => {
  it('tells of the request what Kong tells', async () => {
    const told: Record<string, unknown> = {}
    const { send, port } = await open({
      access: async kong => {
        const { request, client } = kong
        told.method = await request.getMethod()
        told.path = await request.getPath()
        told.path_with_query = await request.getPathWithQuery()
        told.query = await request.getRawQuery()
        told.scheme = await request.getScheme()
        told.host = await request.getHost()
        told.port = await request.getPort()
        told.forwarded = [
          await request.getForwardedScheme(),
          await request.getForwardedHost(),
          await request.getForwardedPort(),
        ]
        told.ip = [await client.getIp(), await client.getForwardedIp()]
        told.header = await request.getHeader('x-many')
        told.missing = await request.getHeader('x-missing')
        told.many = (await request.getHeaders(1000))['x-many']
        told.few = Object.keys(await request.getHeaders(2)).length
        await kong.ctx.shared.set('key', { deep: ['a', 1, null] })
        told.shared = await kong.ctx.shared.get('key')
        await kong.log.warn('a', 1)
        await kong.log.setSerializeValue('a', 'b')
        await exit(kong)
      },
    })
    await send('//mcp?a=%20', {
      method: 'POST',
      headers: [
        'X-Many',
        '1',
        'x-many',
        '2',
        'X-Forwarded-Host',
        'evil.example',
        'X-Forwarded-For',
        '1.2.3.4',
      ],
    })
    expect(told).toEqual({
      method: 'POST',
      path: '/mcp',
      path_with_query: '//mcp?a=%20',
      query: 'a=%20',
      scheme: 'http',
      host: '127.0.0.1',
      port,
      forwarded: ['http', '127.0.0.1', port],
      ip: ['127.0.0.1', '127.0.0.1'],
      header: '1',
      missing: undefined,
      many: ['1', '2'],
      few: 2,
      shared: { deep: ['a', 1, null] },
    })
    expect(gateway?.events).toContainEqual(expect.objectContaining({ msg: 'a1', level: 'warn' }))
  })
})

describe('a request body', () => {
  it('of 8 kB is content, a longer one is a private file that is removed after the request', async () => {
    const bodies: unknown[] = []
    let file = ''
    const { send, arrived, nextEvent } = await open({
      access: async kong => {
        const body = await kong.request.getRawBody()
        if ('content' in body) bodies.push(body.content.length)
        else {
          file = body.body_filepath
          bodies.push(readFileSync(file, 'utf8').length, statSync(file).mode & 0o777)
        }
        await admit(kong, undefined)
      },
    })
    const short = 'x'.repeat(8192)
    const long = 'y'.repeat(8193)
    const first = nextEvent('request')
    await send('/mcp', { method: 'POST', headers: token, body: short })
    await first
    const over = nextEvent('request')
    await send('/mcp', { method: 'POST', headers: token, body: long })
    await over
    expect(bodies).toEqual([8192, 8193, 0o600])
    expect(arrived.map(({ body }) => body)).toEqual([short, long])
    expect(existsSync(file)).toBe(false)
  })

  it.each(['announced', 'found out'])('that is too long is refused, when it is %s', async when => {
    const { url, arrived } = await open({ options: { max_body_bytes: 10 } })
    const body = 'x'.repeat(11)
    const { status } = await fetch(`${url}/mcp`, {
      method: 'POST',
      headers: { authorization: 'Bearer client' },
      // A stream's length is not known beforehand.
      body: when === 'announced' ? body : new Blob([body]).stream(),
      duplex: 'half',
    })
    expect([status, arrived]).toEqual([413, []])
  })
})
