import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { LogMessage } from '../../../../gateway/local/gateway/log-message.ts'
import { admit, openGateway } from './local-gateway.ts'

type Opened = Awaited<ReturnType<typeof openGateway>>
let gateway: Opened | undefined
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'test-logging-'))
})
afterEach(async () => {
  await gateway?.close()
  gateway = undefined
  await rm(folder, { recursive: true })
})

async function open(setup: Parameters<typeof openGateway>[0]): Promise<Opened> {
  gateway = await openGateway(setup)
  return gateway
}

/** Closes the gateway, which writes what is left, and reads the file. */
async function written(file: string): Promise<LogMessage[]> {
  await gateway?.close()
  gateway = undefined
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  return lines.map(line => JSON.parse(line) as LogMessage)
}

const fileLog = (path: string, more = '') => `{ name: file-log, config: { path: ${path}${more} } }`
const token = ['Authorization', 'Bearer client']

describe('file-log', () => {
  it('O03 writes a line for each request, by Kong’s names, with the shared request id', async () => {
    const file = join(folder, 'access.log')
    const now = Date.UTC(2026, 0, 1)
    const { port, send, upstream_port } = await open({
      plugins: [fileLog(file)],
      options: { now: () => now },
    })
    const response = await send('/mcp?a=1', { method: 'POST', headers: token, body: 'hello' })
    const [line] = await written(file)
    expect(line).toEqual({
      request: {
        id: response.headers['x-kong-request-id'],
        method: 'POST',
        headers: expect.objectContaining({
          authorization: 'REDACTED',
          'x-user-id': 'usr_alice',
          'x-request-id': response.headers['x-request-id'],
        }),
        size: expect.any(Number),
      },
      upstream_status: '200',
      response: {
        status: 200,
        headers: expect.objectContaining({ 'content-type': 'text/plain' }),
        size: expect.any(Number),
      },
      latencies: {
        kong: expect.any(Number),
        proxy: expect.any(Number),
        request: expect.any(Number),
        receive: expect.any(Number),
      },
      tries: [{ ip: '127.0.0.1', port: upstream_port }],
      // All of it: a route's plugins, and with them their secrets, must not come along.
      route: {
        name: 'mcp',
        paths: ['~/mcp/?$'],
        regex_priority: 0,
        strip_path: false,
        preserve_host: false,
        service: { name: 'upstream' },
      },
      service: {
        name: 'upstream',
        protocol: 'http',
        host: '127.0.0.1',
        port: upstream_port,
        connect_timeout: 60_000,
        read_timeout: 60_000,
      },
      client_ip: '127.0.0.1',
      started_at: now,
      source: 'upstream',
      workspace: 'default',
      workspace_name: 'default',
      correlation_id: response.headers['x-request-id'],
    })
    const sent = Buffer.byteLength(
      `POST /mcp?a=1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer client\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello`,
    )
    expect(line?.request.size).toBe(sent)
    expect(line?.response.size).toBeGreaterThan('from upstream'.length)
  })

  it('R08 keeps codes, cookies, tokens and settings out, on requests and answers of every kind', async () => {
    const file = join(folder, 'access.log')
    const { events, send } = await open({
      plugins: [fileLog(file)],
      answered_note: 'canary',
      access: async kong => {
        if ((await kong.request.getPath()) === '/mcp') return admit(kong, undefined)
        await kong.response.exit(302, '', {
          location: 'https://client.example/?code=canary',
          'set-cookie': ['s=canary'],
        })
      },
    })
    const headers = [
      ...['Authorization', 'Bearer canary', 'Proxy-Authorization', 'Basic canary'],
      ...['Cookie', 's=canary', 'Referer', 'https://x.example/?code=canary'],
    ]
    for (const path of ['/mcp', '/token', '/nowhere', '/bare']) {
      await send(`${path}?code=canary`, { headers })
    }
    const lines = await written(file)
    expect(lines.map(({ response }) => response.status)).toEqual([200, 302, 404, 503])
    expect(JSON.stringify(lines)).not.toContain('canary')
    expect(JSON.stringify(events)).not.toContain('canary')
  })

  it('tells what the plugin adds, and of an answer of the plugin that there was no upstream', async () => {
    const file = join(folder, 'access.log')
    const { send } = await open({
      plugins: [fileLog(file, ', reopen: true')],
      access: async kong => {
        await kong.log.setSerializeValue('user', 'usr_alice')
        await kong.response.exit(401, '{}')
      },
    })
    await send('/token')
    await send('/nowhere')
    const [answered, unrouted] = await written(file)
    expect(answered).toMatchObject({
      user: 'usr_alice',
      source: 'kong',
      upstream_status: '',
      latencies: { proxy: -1, receive: 0 },
    })
    expect(answered).not.toHaveProperty('tries')
    expect(answered).not.toHaveProperty('service')
    expect(unrouted).toMatchObject({ response: { status: 404 } })
    expect(unrouted).not.toHaveProperty('route')
  })

  it('writes to standard output where that is the file', async () => {
    const printed: string[] = []
    const { send } = await open({
      plugins: [fileLog('/dev/stdout')],
      options: { print: (line, path) => void printed.push(`${path} ${line}`) },
    })
    const response = await send('/mcp', { headers: token })
    await gateway?.close()
    gateway = undefined
    expect(printed).toHaveLength(1)
    expect(printed[0]).toMatch(/^\/dev\/stdout \{/)
    expect(printed[0]).toContain(String(response.headers['x-request-id']))
  })

  it('O05 R08 says at start where it cannot write, and what Kong would write in clear', async () => {
    const file = join(folder, 'none', 'access.log')
    await expect(open({ plugins: [fileLog(file)] })).rejects.toThrow(
      `file-log, config.path: ${file} cannot be written (ENOENT`,
    )
    const { events } = await open({ plugins: [fileLog('/dev/null')] })
    expect(events).toContainEqual(
      expect.objectContaining({
        msg: 'Kong only',
        plugin: 'file-log',
        notice: expect.stringContaining('request.headers.cookie'),
      }),
    )
  })
})

describe('a client that went away', () => {
  it('is logged with 499', async () => {
    const file = join(folder, 'access.log')
    const { nextEvent, url } = await open({
      plugins: [fileLog(file)],
      upstream: () => leave.abort(),
    })
    const leave = new AbortController()
    const over = nextEvent('request')
    await expect(
      fetch(`${url}/mcp`, { headers: { authorization: 'Bearer a' }, signal: leave.signal }),
    ).rejects.toThrow()
    await over
    const [line] = await written(file)
    expect(line).toMatchObject({ response: { status: 499 }, source: 'kong' })
  })
})

describe('http-log', () => {
  it('O03 sends messages in batches, and those that failed again', async () => {
    const batches: unknown[] = []
    let fails = 1
    const { promise: arrived, resolve } = Promise.withResolvers<unknown>()
    const collector = createServer((request, response) => {
      void json(request).then(body => {
        response.writeHead(fails-- > 0 ? 503 : 204).end()
        if (response.statusCode !== 204) return
        batches.push([request.headers['x-key'], request.headers.authorization, body])
        resolve(undefined)
      })
    })
    collector.listen(0, '127.0.0.1')
    await once(collector, 'listening')
    const { port } = collector.address() as AddressInfo
    const { events, send } = await open({
      plugins: [
        `{ name: http-log, config: { http_endpoint: 'http://me:pass@127.0.0.1:${port}/logs', headers: { X-Key: '{vault://env/log-key}' }, queue: { max_batch_size: 2, max_coalescing_delay: 30 } } }`,
      ],
      options: { environment: { LOG_KEY: 'k3y' } },
    })
    await send('/mcp?code=canary', { headers: token })
    await send('/mcp?code=canary', { headers: token })
    await arrived
    const basic = `Basic ${Buffer.from('me:pass').toString('base64')}`
    const message = expect.objectContaining({ client_ip: '127.0.0.1', source: 'upstream' })
    expect(batches).toEqual([['k3y', basic, [message, message]]])
    expect(JSON.stringify(batches)).not.toContain('canary')
    expect(events).not.toContainEqual(expect.objectContaining({ msg: 'http-log lost entries' }))
    collector.close()
    collector.closeAllConnections()
  })

  it('O05 refuses what Kong refuses', async () => {
    const opening = open({
      plugins: [
        "{ name: http-log, config: { http_endpoint: 'ftp://x', headers: { Host: a }, queue: { max_batch_size: 0 } } }",
      ],
    })
    await expect(opening).rejects.toThrow(
      'plugins[2].config.http_endpoint: is no http or https URL',
    )
    await expect(opening).rejects.toThrow('plugins[2].config.queue.max_batch_size')
  })
})
