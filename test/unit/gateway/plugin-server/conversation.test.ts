import { describe, expect, it } from '@jest/globals'

import { pdk_methods } from '../../../../gateway/plugin-server/pdk-methods.ts'
import { connectInMemory } from '../../../support/plugin-server/kong-peer.ts'
import { pluginModule } from '../../../support/plugin-server/plugin-module.ts'
import { runAccess, watchWrites } from '../../../support/plugin-server/run-access.ts'

describe('a conversation with Kong', () => {
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
    const chunks = watchWrites(peer)
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
