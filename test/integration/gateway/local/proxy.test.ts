import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { openGateway } from './local-gateway.ts'

type Opened = Awaited<ReturnType<typeof openGateway>>
let gateway: Opened | undefined

afterEach(async () => {
  await gateway?.close()
  gateway = undefined
})

async function open(upstream?: RequestListener, service = ''): Promise<Opened> {
  gateway = await openGateway({ ...(upstream && { upstream }), service })
  return gateway
}

const headers = ['Authorization', 'Bearer client']

function start(port: number, path = '/mcp') {
  const outgoing = request({
    host: '127.0.0.1',
    port,
    path,
    agent: false,
    headers: { authorization: 'Bearer c' },
  })
  outgoing.end()
  return outgoing
}

describe('a proxied request', () => {
  it('carries what Kong adds and leaves out what is about one connection', async () => {
    const { send, arrived, port, upstream_port } = await open()
    await send('/stripped/a%20b/c?d=1', {
      method: 'POST',
      headers: [
        ...headers,
        ...[
          'X-Forwarded-For',
          '1.2.3.4',
          'X-Forwarded-Host',
          'evil.example',
          'X-Forwarded-Prefix',
          '/evil',
        ],
        ...[
          'Via',
          '1.0 before',
          'Connection',
          'keep-alive, X-Hop',
          'X-Hop',
          '1',
          'Keep-Alive',
          '5',
          'TE',
          'trailers',
        ],
        ...['Proxy-Authorization', 'secret', 'X-Kept', '1', 'X-Kept', '2'],
      ],
      body: 'hello',
    })
    const [got] = arrived
    expect(got).toMatchObject({
      method: 'POST',
      url: '/a%20b/c?d=1',
      body: 'hello',
      headers: {
        host: `127.0.0.1:${upstream_port}`,
        'content-length': '5',
        'x-forwarded-for': '1.2.3.4, 127.0.0.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': '127.0.0.1',
        'x-forwarded-port': String(port),
        'x-forwarded-path': '/stripped/a%20b/c',
        'x-forwarded-prefix': '/stripped',
        'x-real-ip': '127.0.0.1',
        via: '1.0 before, 1.1 mcp-oidc-local-gateway',
        'x-kept': '1, 2',
      },
    })
    // The guard takes the client's Connection away, so that nothing goes by its word.
    expect(got?.headers).toMatchObject({ 'x-hop': '1' })
    for (const name of ['keep-alive', 'te', 'proxy-authorization']) {
      expect(got?.headers).not.toHaveProperty(name)
    }
  })

  it('has its answer passed on with status, headers and body', async () => {
    const { send } = await open((_request, response) => {
      const raw = [
        'Set-Cookie',
        'a=1',
        'Set-Cookie',
        'b=2',
        'Connection',
        'close, X-Hop',
        'X-Hop',
        '1',
      ]
      response.writeHead(418, 'Short and stout', raw).end('tea')
    })
    const response = await send('/mcp', { headers })
    expect(response).toMatchObject({ status: 418, body: 'tea' })
    expect(response.headers['set-cookie']).toEqual(['a=1', 'b=2'])
    expect(response.headers).not.toHaveProperty('x-hop')
    expect(response.headers['access-control-allow-origin']).toBe('*')
  })
})

describe('the connection to an upstream', () => {
  it('carries one request after another, but not when the one before was broken off', async () => {
    const sockets: unknown[] = []
    const { promise: broken, resolve } = Promise.withResolvers<ServerResponse>()
    const { port, send } = await open((request, response) => {
      sockets.push(request.socket)
      if (request.url?.endsWith('broken')) resolve(response)
      else response.end('well')
    })
    for (let time = 0; time < 2; time += 1)
      expect(await send('/mcp', { headers })).toMatchObject({ status: 200, body: 'well' })
    expect(new Set(sockets).size).toBe(1)
    const outgoing = start(port, '/mcp?broken')
    outgoing.on('error', () => undefined)
    const closed = once(await broken, 'close')
    outgoing.destroy()
    await closed
    expect((await send('/mcp', { headers })).status).toBe(200)
    expect(new Set(sockets).size).toBe(2)
  })

  it('that was closed in the meantime is none: the next request gets a new one', async () => {
    const sockets: Socket[] = []
    const { send } = await open((request, response) => {
      sockets.push(request.socket)
      response.end('well')
    })
    await send('/mcp', { headers })
    const closed = once(sockets[0] as Socket, 'close')
    sockets[0]?.end()
    await closed
    expect((await send('/mcp', { headers })).status).toBe(200)
    expect(new Set(sockets).size).toBe(2)
  })

  it('is given time to be silent by each request anew', async () => {
    const { send } = await open((request, response) => {
      if (!request.url?.endsWith('silent')) response.end('well')
    }, 'read_timeout: 100')
    for (let time = 0; time < 2; time += 1) {
      expect((await send('/mcp', { headers })).status).toBe(200)
      expect((await send('/mcp?silent', { headers })).status).toBe(504)
    }
  })
})

describe('an event stream', () => {
  it('G08 passes headers and each event as they come', async () => {
    const { promise: streaming, resolve } = Promise.withResolvers<ServerResponse>()
    const { port } = await open((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      resolve(response)
    })
    const outgoing = start(port)
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    const upstream = await streaming
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      const next = once(answer, 'data')
      upstream.write(event)
      expect(String((await next)[0])).toBe(event)
    }
    const end = once(answer, 'end')
    upstream.end()
    answer.resume()
    await end
  })

  it.each(['before', 'after'])(
    'G08 ends upstream when the client goes %s the answer',
    async when => {
      const { promise: reached, resolve } = Promise.withResolvers<ServerResponse>()
      const { port } = await open((_request, response) => {
        if (when === 'after') response.writeHead(200).flushHeaders()
        resolve(response)
      })
      const outgoing = start(port)
      outgoing.on('error', () => undefined)
      const upstream = await reached
      if (when === 'after') await once(outgoing, 'response')
      const closed = once(upstream, 'close')
      outgoing.destroy()
      await closed
      expect(upstream.writableFinished).toBe(false)
    },
  )

  it('that breaks is broken for the client too', async () => {
    const { port } = await open((_request, response) => {
      response.writeHead(200)
      response.write('half', () => response.destroy())
    })
    const [answer] = (await once(start(port), 'response')) as [IncomingMessage]
    answer.resume()
    await expect(once(answer, 'end')).rejects.toThrow('aborted')
  })
})

describe('an upstream', () => {
  it('that is down is a 502 in JSON', async () => {
    const { send, stopUpstream } = await open()
    await stopUpstream()
    const response = await send('/mcp', { headers })
    expect(response.status).toBe(502)
    expect(JSON.parse(response.body)).toEqual({
      message: 'An invalid response was received from the upstream server',
      request_id: response.headers['x-kong-request-id'],
    })
  })

  it('that is silent for longer than read_timeout is a 504', async () => {
    const { send } = await open(() => undefined, 'read_timeout: 50')
    expect((await send('/mcp', { headers })).status).toBe(504)
  })

  it.each([
    'nonsense',
    'HTTP/1.1 099 Low\r\n\r\n',
    'HTTP/1.1 200 \u0001\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
  ])('that answers nonsense is a 502, and the next request is served: %j', async nonsense => {
    const { send } = await open((request, response) => {
      if (request.url?.endsWith('well')) response.end('well')
      else response.socket?.write(nonsense)
    })
    expect((await send('/mcp', { headers })).status).toBe(502)
    expect((await send('/mcp?well', { headers })).body).toBe('well')
  })
})
