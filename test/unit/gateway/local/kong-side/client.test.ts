import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'

import { describe, expect, it } from '@jest/globals'

import { connectPluginServer } from '../../../../../gateway/local/kong-side/client.ts'
import { encodeFrames } from '../../../../../gateway/plugin-server/frames.ts'
import type { PluginModule } from '../../../../../gateway/plugin-server/plugin.ts'
import { startPluginServer } from '../../../../../gateway/plugin-server/server.ts'
import { memoryLog } from '../../../../support/plugin-server/memory-log.ts'
import { pluginModule } from '../../../../support/plugin-server/plugin-module.ts'
import { temporaryDirectory } from '../../../../support/plugin-server/temporary-directory.ts'

async function open(module: PluginModule) {
  const stack = new AsyncDisposableStack()
  const directory = stack.use(await temporaryDirectory())
  const socket = join(directory.path, 's.sock')
  const { log, lines } = memoryLog()
  let server = await startPluginServer({ socket, module, log })
  const client = connectPluginServer(socket)
  stack.defer(() => server.close())
  stack.defer(() => client.close())
  const restart = async () => {
    await server.close()
    server = await startPluginServer({ socket, module, log })
  }
  const stop = () => server.close()
  return { client, lines, restart, stop, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** A plugin server that does as it is told with each connection. */
async function openRogue(serve: (socket: Socket) => void) {
  const stack = new AsyncDisposableStack()
  const directory = stack.use(await temporaryDirectory())
  const path = join(directory.path, 's.sock')
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    serve(socket)
  })
  server.listen({ path })
  await once(server, 'listening')
  const client = connectPluginServer(path, { read_timeout_ms: 50 })
  stack.defer(async () => {
    client.close()
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return { client, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const started = Buffer.from('08018a020a0a067062746573741001', 'hex')

describe('the client of the plugin server', () => {
  it('answers PDK calls with plain values and tells that the request goes on', async () => {
    const got: unknown[] = []
    const module = pluginModule(async kong => {
      got.push(await kong.request.getHeader('a'), await kong.request.getHeader('b'))
      got.push(await kong.request.getHeaders(1000), await kong.request.getPort())
      got.push(await kong.request.getRawBody(), await kong.ctx.shared.get('k'))
      await kong.service.request.setHeaders({ a: '1', b: ['2', '3'] })
      await kong.log.info('text', 5)
    })
    await using kong = await open(module)
    const id = await kong.client.startInstance('pbtest', { issuer: 'https://gw.example' })
    const seen: unknown[] = []
    const outcome = await kong.client.handleEvent(id, 'access', {
      'kong.request.get_header': name => (name === 'a' ? 'A' : undefined),
      'kong.request.get_headers': limit => ({ limit: String(limit), list: ['x', 'y'] }),
      'kong.request.get_port': () => 8000,
      'kong.request.get_raw_body': () => Promise.resolve({ content: Buffer.from('hi') }),
      'kong.ctx.shared.get': () => ({ deep: [1, true] }),
      'kong.service.request.set_headers': headers => void seen.push(headers),
      'kong.log.info': values => void seen.push(values),
    })
    expect(outcome).toEqual({ kind: 'continue' })
    expect(got).toEqual([
      'A',
      undefined,
      { limit: '1000', list: ['x', 'y'] },
      8000,
      { content: Buffer.from('hi') },
      { deep: [1, true] },
    ])
    expect(seen).toEqual([{ a: '1', b: ['2', '3'] }, ['text', 5]])
  })

  it('works through calls that were made at once, and answers in their order', async () => {
    const { promise: got, resolve } = Promise.withResolvers<unknown[]>()
    const module = pluginModule(async kong => {
      const calls = [kong.request.getMethod(), kong.request.getPath(), kong.request.getHeader('a')]
      const replies = await Promise.all(calls)
      const address = kong.client.getIp()
      await kong.response.exit(401)
      resolve([...replies, await address])
    })
    await using kong = await open(module)
    const id = await kong.client.startInstance('pbtest', {})
    const order: string[] = []
    const answer = (value: string) => () => {
      order.push(value)
      return value
    }
    const outcome = await kong.client.handleEvent(id, 'access', {
      'kong.request.get_method': () => new Promise(setImmediate).then(answer('GET')),
      'kong.request.get_path': answer('/'),
      'kong.request.get_header': answer('A'),
      'kong.client.get_ip': () => new Promise(setImmediate).then(answer('192.0.2.7')),
    })
    expect(outcome).toMatchObject({ kind: 'exit', status: 401 })
    expect(order).toEqual(['GET', '/', 'A', '192.0.2.7'])
    expect(await got).toEqual(['GET', '/', 'A', '192.0.2.7'])
  })

  it('ends an event at the first call that fails, and answers none of those behind it', async () => {
    const { promise: outcome, resolve } = Promise.withResolvers<string[]>()
    const module = pluginModule(async kong => {
      const calls = [kong.request.getMethod(), kong.request.getPath(), kong.request.getHost()]
      resolve((await Promise.allSettled(calls)).map(({ status }) => status))
      await Promise.all(calls)
    })
    await using kong = await open(module)
    const id = await kong.client.startInstance('pbtest', {})
    let asked = 0
    const event = kong.client.handleEvent(id, 'access', {
      'kong.request.get_method': () => 'GET',
      'kong.request.get_path': () => {
        throw new Error('host broke')
      },
      'kong.request.get_host': () => String((asked += 1)),
    })
    await expect(event).rejects.toThrow('host broke')
    expect(await outcome).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(asked).toBe(0)
  })

  it('tells what an exit answers, event after event', async () => {
    const module = pluginModule(kong => kong.response.exit(401, 'no', { a: ['1', '2'] }))
    await using kong = await open(module)
    const id = await kong.client.startInstance('pbtest', {})
    for (let i = 0; i < 3; i += 1) {
      expect(await kong.client.handleEvent(id, 'access', {})).toEqual({
        kind: 'exit',
        status: 401,
        body: Buffer.from('no'),
        headers: { a: ['1', '2'] },
      })
    }
  })

  it('starts an instance again, once, after the plugin server was restarted', async () => {
    let starts = 0
    const module = pluginModule(() => Promise.resolve(), { start: () => (starts += 1) })
    await using kong = await open(module)
    const id = await kong.client.startInstance('pbtest', {})
    await kong.restart()
    const events = [1, 2, 3].map(() => kong.client.handleEvent(id, 'access', {}))
    expect(await Promise.all(events)).toEqual(events.map(() => ({ kind: 'continue' })))
    expect(starts).toBe(2)
    await kong.client.closeInstance(id)
    await expect(kong.client.handleEvent(id, 'access', {})).rejects.toMatchObject({
      code: 'unknown_instance',
    })
  })

  it('says so when the server is not there', async () => {
    await using kong = await open(pluginModule(() => Promise.resolve()))
    await kong.stop()
    await expect(kong.client.startInstance('pbtest', {})).rejects.toMatchObject({
      code: 'unreachable',
    })
  })

  it('ends an event that calls what the host does not answer, or whose host throws', async () => {
    await using kong = await open(
      pluginModule(async plugin => {
        await plugin.request.getHost()
      }),
    )
    const id = await kong.client.startInstance('pbtest', {})
    await expect(kong.client.handleEvent(id, 'access', {})).rejects.toMatchObject({
      code: 'protocol',
    })
    const broken = () => {
      throw new Error('host broke')
    }
    const event = kong.client.handleEvent(id, 'access', { 'kong.request.get_host': broken })
    await expect(event).rejects.toThrow('host broke')
  })

  it('gives up on a server that closes every event', async () => {
    let connections = 0
    const serve = (socket: Socket) => {
      connections += 1
      socket.on('data', (chunk: Buffer) => {
        if (chunk.includes('pbtest')) socket.write(encodeFrames(sequenced(chunk)))
        else socket.destroy()
      })
    }
    await using kong = await openRogue(serve)
    const id = await kong.client.startInstance('pbtest', {})
    await expect(kong.client.handleEvent(id, 'access', {})).rejects.toMatchObject({
      code: 'unknown_instance',
    })
    expect(connections).toBeLessThanOrEqual(6)
  })

  it.each([
    ['nothing', 'timeout', Buffer.alloc(0)],
    ['a frame above the limit', 'protocol', Buffer.alloc(4, 0xff)],
    ['another sequence', 'protocol', encodeFrames(Buffer.from('0863', 'hex'))],
    ['garbage', 'protocol', encodeFrames(Buffer.from('ff', 'hex'))],
  ])('refuses an answer that is %s with %s', async (_, code, bytes) => {
    await using kong = await openRogue(socket => {
      socket.on('data', () => socket.write(bytes))
    })
    await expect(kong.client.startInstance('pbtest', {})).rejects.toMatchObject({ code })
  })
})

/** The answer to a start, with the sequence of the call (its last byte here). */
function sequenced(chunk: Buffer): Buffer {
  const answer = Buffer.from(started)
  const at = chunk.indexOf(0x08)
  answer[1] = chunk[at + 1] ?? 0
  return answer
}
