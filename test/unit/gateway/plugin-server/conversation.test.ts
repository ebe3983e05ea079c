import { describe, expect, it } from '@jest/globals'

import type { Pdk } from '../../../../gateway/plugin-server/pdk.ts'
import { pdk_methods } from '../../../../gateway/plugin-server/pdk-methods.ts'
import { connectInMemory } from '../../../support/plugin-server/kong-peer.ts'
import { pluginModule } from '../../../support/plugin-server/plugin-module.ts'

const string = pdk_methods['kong.request.get_method'].reply

/** Runs one access phase on instance 1. */
function runAccess(access: (kong: Pdk) => Promise<void>) {
  const server = connectInMemory(pluginModule(access))
  server.instances.open({ id: 1, name: 'pbtest', config: '{}' })
  server.peer.startEvent(1)
  return server
}

describe('a conversation with Kong', () => {
  it('queues calls made at once: the second is sent when the first has its reply', async () => {
    let got: unknown
    const { peer } = runAccess(async kong => {
      got = await Promise.all([kong.request.getMethod(), kong.request.getHeader('a')])
    })
    expect((await peer.readCall())[0]).toBe('kong.request.get_method')
    const early = peer.frames.read()
    let second_was_sent = false
    void early.then(() => (second_was_sent = true))
    await new Promise(setImmediate)
    expect(second_was_sent).toBe(false)
    peer.frames.send(string.encode('POST'))
    expect((await early).toString()).toBe('kong.request.get_header')
    expect((await peer.frames.read()).toString('hex')).toBe('0a0161')
    peer.frames.send(Buffer.alloc(0))
    expect(await peer.readText()).toBe('')
    await peer.readReturn()
    expect(got).toEqual(['POST', undefined])
  })

  it('repeats a sequence that no JavaScript number holds', async () => {
    const { peer, instances } = connectInMemory(pluginModule(() => Promise.resolve()))
    instances.open({ id: 1, name: 'pbtest', config: '{}' })
    // sequence 2^63 - 1, cmd_handle_event {instance_id: 1, event_name: "access"}
    peer.frames.send(Buffer.from('08ffffffffffffffff7fa2020a08011206616363657373', 'hex'))
    expect(await peer.readText()).toBe('')
    expect((await peer.frames.read()).toString('hex')).toBe('08ffffffffffffffff7f')
  })

  it('finishes calls that the plugin did not await before it ends the event', async () => {
    const { peer } = runAccess(kong => {
      void kong.log.info('a', 1, [true, null])
      return Promise.resolve()
    })
    const [method, argument] = await peer.readCall()
    expect(method).toBe('kong.log.info')
    expect(pdk_methods['kong.log.info'].argument.decode(argument)).toEqual(['a', 1, [true, null]])
    peer.frames.send(Buffer.alloc(0))
    expect(await peer.readText()).toBe('')
    expect(Number((await peer.readReturn()).sequence)).toBe(7)
  })

  it('sends a call that is answered with nothing together with the end, and waits for its answer', async () => {
    const { peer, instances } = runAccess(kong => kong.service.request.setHeaders({ a: '1' }))
    const chunks: Buffer[] = []
    peer.stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    const [method] = await peer.readCall()
    expect(method).toBe('kong.service.request.set_headers')
    expect(await peer.readText()).toBe('')
    await peer.readReturn()
    expect(chunks).toHaveLength(1)
    // Kong has not written its answer yet: whoever closed the connection now would make it fail.
    expect(instances.find(1)?.events.size).toBe(1)
    peer.frames.send(Buffer.alloc(0))
    await new Promise(setImmediate)
    expect(instances.find(1)?.events.size).toBe(0)
    peer.startEvent(1, 8)
    expect((await peer.readCall())[0]).toBe(method)
  })

  it('keeps the order of calls, whether they are answered or not', async () => {
    const got: unknown[] = []
    const { peer } = runAccess(async kong => {
      const method = kong.request.getMethod()
      void kong.log.info('first')
      const path = kong.request.getPath()
      void kong.log.info('second')
      got.push(await path, await method)
    })
    const reply = pdk_methods['kong.request.get_path'].reply
    expect((await peer.readCall())[0]).toBe('kong.request.get_method')
    peer.frames.send(reply.encode('GET'))
    expect((await peer.readCall())[0]).toBe('kong.log.info')
    expect((await peer.readCall())[0]).toBe('kong.request.get_path')
    peer.frames.send(Buffer.alloc(0))
    peer.frames.send(reply.encode('/mcp'))
    const [method, argument] = await peer.readCall()
    expect(method).toBe('kong.log.info')
    expect(pdk_methods['kong.log.info'].argument.decode(argument)).toEqual(['second'])
    expect(await peer.readText()).toBe('')
    expect(got).toEqual(['/mcp', 'GET'])
  })

  it('G01 answers 503 when the phase fails after a call that is answered with nothing', async () => {
    const { peer } = runAccess(async kong => {
      await kong.service.request.setHeaders({ Authorization: 'Bearer good' })
      throw new Error('it failed')
    })
    expect((await peer.readCall())[0]).toBe('kong.service.request.set_headers')
    expect((await peer.readExit()).status).toBe(503)
  })

  it('sends nothing after exit, whatever the plugin does', async () => {
    const later: unknown[] = []
    const { promise: done, resolve: finish } = Promise.withResolvers<undefined>()
    const { peer, lines } = runAccess(async kong => {
      await kong.response.exit(302, 'body', { location: '/x', 'set-cookie': ['a=1', 'b=2'] })
      const calls = [
        kong.request.getMethod(),
        kong.response.exit(200),
        kong.log.err('late'),
        kong.service.request.setHeaders({ a: '1' }),
      ]
      for (const outcome of await Promise.allSettled(calls)) later.push(outcome.status)
      finish(undefined)
      throw new Error('thrown after exit')
    })
    expect(await peer.readExit()).toEqual({
      status: 302,
      body: Buffer.from('body'),
      headers: { location: '/x', 'set-cookie': ['a=1', 'b=2'] },
    })
    await done
    peer.frames.send(Buffer.from('anything'))
    await new Promise(setImmediate)
    peer.stream.destroy()
    expect(await peer.readToEnd()).toEqual([])
    expect(later).toEqual(['rejected', 'rejected', 'rejected', 'rejected'])
    expect(lines.map(line => line['msg'])).toContain(
      'a phase failed after it had answered the request',
    )
  })

  it('rejects calls in flight, queued and later ones when Kong goes away', async () => {
    const { promise: outcome, resolve } = Promise.withResolvers<string[]>()
    const { peer, instances } = runAccess(async kong => {
      const calls = [kong.request.getMethod(), kong.request.getPath()]
      const states = (await Promise.allSettled(calls)).map(({ status }) => status)
      const late = await kong.request.getHost().catch((error: unknown) => String(error))
      resolve([...states, late])
    })
    await peer.readCall()
    const [event] = instances.find(1)?.events ?? []
    peer.stream.destroy()
    expect(await event).toBe('dropped')
    expect(await outcome).toEqual(['rejected', 'rejected', expect.stringContaining('Kong is gone')])
    expect(instances.find(1)?.events.size).toBe(0)
  })

  it('forgets an event at the drop although its plugin never settles', async () => {
    const { promise: running, resolve: started } = Promise.withResolvers<undefined>()
    const { peer, instances } = runAccess(async () => {
      started(undefined)
      await new Promise(() => undefined)
    })
    await running
    const [event] = instances.find(1)?.events ?? []
    peer.stream.destroy()
    expect(await event).toBe('dropped')
    expect(instances.find(1)?.events.size).toBe(0)
  })

  it('gives the bytes or the file of a body, and an error where Kong has one', async () => {
    const got: unknown[] = []
    const { peer } = runAccess(async kong => {
      for (let i = 0; i < 4; i += 1) {
        got.push(await kong.request.getRawBody().catch((error: unknown) => String(error)))
      }
    })
    for (const reply of ['0a026869', '12022f66', '1a026e6f', '']) {
      await peer.readCall()
      peer.frames.send(Buffer.from(reply, 'hex'))
    }
    expect(await peer.readText()).toBe('')
    expect(got).toEqual([
      { content: Buffer.from('hi') },
      { body_filepath: '/f' },
      'PdkError: Kong has no request body: no',
      expect.stringContaining('neither a body nor a reason'),
    ])
  })
})
