import { describe, expect, it } from '@jest/globals'

import { encodeFrames, max_frame_bytes } from '../../../../gateway/plugin-server/frames.ts'
import { pdk_methods } from '../../../../gateway/plugin-server/pdk-methods.ts'
import { runAccess, watchWrites } from '../../../support/plugin-server/run-access.ts'

const string = pdk_methods['kong.request.get_method'].reply

describe('PDK calls that are made at once', () => {
  it('sends calls that are made at once in one write, and matches their replies in order', async () => {
    let got: unknown
    const { peer } = runAccess(async kong => {
      got = await Promise.all([
        kong.request.getMethod(),
        kong.log.info('between'),
        kong.request.getHeader('a'),
        kong.request.getRawBody(),
      ])
    })
    const chunks = watchWrites(peer)
    expect((await peer.readCall())[0]).toBe('kong.request.get_method')
    expect((await peer.readCall())[0]).toBe('kong.log.info')
    const [method, argument] = await peer.readCall()
    expect([method, argument.toString('hex')]).toEqual(['kong.request.get_header', '0a0161'])
    expect((await peer.readCall())[0]).toBe('kong.request.get_raw_body')
    await new Promise(setImmediate)
    expect(chunks).toHaveLength(1)
    // A read may end anywhere.
    const replies = encodeFrames(
      string.encode('POST'),
      Buffer.alloc(0),
      Buffer.alloc(0),
      Buffer.from('0a026869', 'hex'),
    )
    for (const byte of replies) peer.stream.write(Buffer.of(byte))
    expect(await peer.readText()).toBe('')
    await peer.readReturn()
    expect(got).toEqual(['POST', undefined, undefined, { content: Buffer.from('hi') }])
  })

  it('does not keep a call back until others have their replies', async () => {
    const { peer } = runAccess(async kong => {
      const method = kong.request.getMethod()
      await new Promise(setImmediate)
      await Promise.all([method, kong.request.getPath()])
    })
    expect((await peer.readCall())[0]).toBe('kong.request.get_method')
    expect((await peer.readCall())[0]).toBe('kong.request.get_path')
    peer.frames.send(string.encode('GET'), string.encode('/'))
    expect(await peer.readText()).toBe('')
  })

  it('takes as many replies at once as it asked for', async () => {
    let got: readonly string[] = []
    const { peer } = runAccess(async kong => {
      const calls = Array.from({ length: 500 }, () => kong.request.getMethod())
      for (let i = 0; i < 2_000; i += 1) void kong.log.info(i)
      got = await Promise.all(calls)
    })
    const frames = await Promise.all(Array.from({ length: 5_000 }, () => peer.frames.read()))
    expect(frames[998]?.toString()).toBe('kong.request.get_method')
    expect(frames[1_000]?.toString()).toBe('kong.log.info')
    const replies = Array.from({ length: 2_500 }, (_, i) =>
      i < 500 ? string.encode(String(i)) : Buffer.alloc(0),
    )
    peer.frames.send(...replies)
    expect(await peer.readText()).toBe('')
    expect(got).toEqual(Array.from({ length: 500 }, (_, i) => String(i)))
  })

  it('keeps the order of calls, whether they are answered or not', async () => {
    const got: unknown[] = []
    const { peer } = runAccess(async kong => {
      void kong.log.info('first')
      const method = kong.request.getMethod()
      void kong.log.info('second')
      const path = kong.request.getPath()
      void kong.log.info('third')
      got.push(await path, await method)
    })
    const order: unknown[] = []
    for (let i = 0; i < 5; i += 1) {
      const [method, argument] = await peer.readCall()
      const is_log = method === 'kong.log.info'
      order.push(is_log ? pdk_methods['kong.log.info'].argument.decode(argument)[0] : method)
    }
    expect(order).toEqual([
      'first',
      'kong.request.get_method',
      'second',
      'kong.request.get_path',
      'third',
    ])
    const nothing = Buffer.alloc(0)
    peer.frames.send(nothing, string.encode('GET'), nothing, string.encode('/mcp'), nothing)
    expect(await peer.readText()).toBe('')
    expect(got).toEqual(['/mcp', 'GET'])
  })

  it('G01 answers 503 when one of several replies cannot be decoded, and takes the others', async () => {
    const outcomes: string[] = []
    const { peer } = runAccess(async kong => {
      const calls = [kong.request.getMethod(), kong.request.getPath(), kong.request.getHost()]
      for (const { status } of await Promise.allSettled(calls)) outcomes.push(status)
      await Promise.all(calls)
    })
    for (let i = 0; i < 3; i += 1) await peer.readCall()
    peer.frames.send(string.encode('GET'), Buffer.from('0aff', 'hex'), string.encode('gw.example'))
    expect((await peer.readExit()).status).toBe(503)
    expect(outcomes).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  it('G01 answers 503 when one of several replies exceeds the limit, although it is swallowed', async () => {
    const outcomes: string[] = []
    const { peer } = runAccess(async kong => {
      const calls = [kong.request.getMethod(), kong.request.getPath(), kong.request.getHost()]
      for (const { status } of await Promise.allSettled(calls)) outcomes.push(status)
    })
    for (let i = 0; i < 3; i += 1) await peer.readCall()
    peer.frames.send(string.encode('GET'))
    const oversized = Buffer.alloc(4)
    oversized.writeUInt32LE(max_frame_bytes + 1)
    peer.stream.write(oversized)
    expect((await peer.readExit()).status).toBe(503)
    expect(outcomes).toEqual(['fulfilled', 'rejected', 'rejected'])
  })

  it('sends an exit along with the calls before it, and is over with the last of their replies', async () => {
    const heard: unknown[] = []
    const { peer, instances, lines } = runAccess(async kong => {
      const asked = [kong.request.getHeader('x-request-id'), kong.client.getForwardedIp()]
      await kong.response.exit(401)
      heard.push(await Promise.all(asked))
    })
    const chunks = watchWrites(peer)
    expect((await peer.readCall())[0]).toBe('kong.request.get_header')
    expect((await peer.readCall())[0]).toBe('kong.client.get_forwarded_ip')
    expect((await peer.readExit()).status).toBe(401)
    expect(chunks).toHaveLength(1)
    const [event] = instances.find(1)?.events ?? []
    peer.frames.send(string.encode('r-1'))
    await new Promise(setImmediate)
    expect(instances.find(1)?.events.size).toBe(1)
    peer.frames.send(string.encode('192.0.2.7'))
    peer.stream.end()
    expect(await event).toBe('exited')
    await new Promise(setImmediate)
    expect(heard).toEqual([['r-1', '192.0.2.7']])
    expect(lines).toEqual([])
  })

  it('has exited when Kong drops the connection after an exit, and lets go of who waits', async () => {
    const { promise: outcome, resolve } = Promise.withResolvers<unknown>()
    const { peer, instances } = runAccess(async kong => {
      const address = kong.client.getForwardedIp()
      await kong.response.exit(401)
      resolve(await address.catch((error: unknown) => String(error)))
    })
    await peer.readCall()
    await peer.readExit()
    const [event] = instances.find(1)?.events ?? []
    peer.stream.destroy()
    expect(await event).toBe('exited')
    expect(await outcome).toContain('the connection was closed')
    expect(instances.find(1)?.events.size).toBe(0)
  })

  it('rejects calls in flight and later ones when Kong goes away between two replies', async () => {
    const { promise: outcome, resolve } = Promise.withResolvers<unknown[]>()
    const { peer, instances } = runAccess(async kong => {
      const calls = [kong.request.getMethod(), kong.request.getPath(), kong.request.getScheme()]
      const states = (await Promise.allSettled(calls)).map(({ status }) => status)
      const later = [kong.request.getHost(), kong.log.info('late'), kong.response.exit(200)]
      const late = later.map(call => call.catch((error: unknown) => String(error)))
      resolve([...states, ...(await Promise.all(late))])
    })
    for (let i = 0; i < 3; i += 1) await peer.readCall()
    const [event] = instances.find(1)?.events ?? []
    peer.frames.send(string.encode('POST'))
    await new Promise(setImmediate)
    peer.stream.destroy()
    expect(await event).toBe('dropped')
    const gone = expect.stringContaining('Kong is gone') as unknown
    expect(await outcome).toEqual(['fulfilled', 'rejected', 'rejected', gone, gone, gone])
    expect(instances.find(1)?.events.size).toBe(0)
  })

  it('lets go of a call that is made while Kong goes away', async () => {
    const { promise: outcome, resolve } = Promise.withResolvers<string>()
    const { promise: gone, resolve: go } = Promise.withResolvers<undefined>()
    const { peer, instances } = runAccess(async kong => {
      await gone
      resolve((await Promise.allSettled([kong.request.getMethod()]))[0].status)
    })
    await new Promise(setImmediate)
    const [event] = instances.find(1)?.events ?? []
    peer.stream.destroy()
    go(undefined)
    expect(await event).toBe('dropped')
    expect(await outcome).toBe('rejected')
  })
})
