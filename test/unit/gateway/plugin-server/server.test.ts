import { readFile, stat, writeFile } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'

import { describe, expect, it } from '@jest/globals'

import type { PluginModule } from '../../../../gateway/plugin-server/plugin.ts'
import { connectPluginServer } from '../../../../gateway/local/kong-side/client.ts'
import { startPluginServer } from '../../../../gateway/plugin-server/server.ts'
import { KongPeer } from '../../../support/plugin-server/kong-peer.ts'
import { memoryLog } from '../../../support/plugin-server/memory-log.ts'
import { pluginModule } from '../../../support/plugin-server/plugin-module.ts'
import { temporaryDirectory } from '../../../support/plugin-server/temporary-directory.ts'

async function open(module: PluginModule, options: { drain_ms?: number } = {}) {
  const directory = await temporaryDirectory()
  const socket = join(directory.path, 's.sock')
  const { log, lines } = memoryLog()
  const server = await startPluginServer({ socket, module, log, now: () => 5_999, ...options })
  const connect = async () => {
    const stream = createConnection({ path: socket })
    await once(stream, 'connect')
    return new KongPeer(stream)
  }
  const start = async (peer: KongPeer) => {
    const config = Buffer.from('{"issuer":"https://gw.example","ttl":null}')
    peer.send({ sequence: 2, cmd_start_instance: { name: 'pbtest', config } })
    return (await peer.readReturn()).instance_status?.instance_id ?? 0
  }
  const dispose = async () => {
    await server.close()
    await directory[Symbol.asyncDispose]()
  }
  return { socket, server, lines, connect, start, [Symbol.asyncDispose]: dispose }
}

const passing = pluginModule(() => Promise.resolve())

describe('the plugin server', () => {
  it('lets only owner and group connect', async () => {
    await using kong = await open(passing)
    expect((await stat(kong.socket)).mode & 0o777).toBe(0o660)
  })

  it('names and describes its plugin', async () => {
    await using kong = await open(passing)
    const peer = await kong.connect()
    peer.send({ sequence: 1, cmd_get_plugin_names: {} })
    expect((await peer.readReturn()).plugin_names?.names).toEqual(['pbtest'])
    peer.send({ sequence: 2, cmd_get_plugin_info: { name: 'pbtest' } })
    const { plugin_info } = await peer.readReturn()
    expect(plugin_info).toMatchObject({ version: '1.2.3', priority: 1050, phases: ['access'] })
    expect(JSON.parse(plugin_info?.schema ?? '')).toEqual({
      name: 'pbtest',
      fields: [
        { config: { type: 'record', fields: [{ issuer: { type: 'string', required: true } }] } },
      ],
    })
    peer.send({ sequence: 3, cmd_get_plugin_info: { name: 'other' } })
    expect((await peer.readReturn()).plugin_info).toBeFalsy()
  })

  it('starts, describes and closes an instance, and close() is awaited', async () => {
    const seen: unknown[] = []
    const closing = Promise.withResolvers<undefined>()
    const module = pluginModule(() => Promise.resolve(), {
      start: config => seen.push(config),
      close: async () => {
        seen.push('closing')
        await closing.promise
        seen.push('closed')
      },
    })
    await using kong = await open(module)
    const peer = await kong.connect()
    const instance_id = await kong.start(peer)
    expect(seen).toEqual([{ issuer: 'https://gw.example', ttl: null }])
    peer.send({ sequence: 3, cmd_get_instance_status: { instance_id } })
    const { instance_status } = await peer.readReturn()
    expect(instance_status).toMatchObject({ name: 'pbtest', instance_id })
    expect(Number(instance_status?.started_at)).toBe(5)
    peer.send({ sequence: 4, cmd_close_instance: { instance_id } })
    const answered = peer.readReturn()
    closing.resolve(undefined)
    expect(Number((await answered).sequence)).toBe(4)
    expect(seen.slice(1)).toEqual(['closing', 'closed'])
    peer.send({ sequence: 5, cmd_close_instance: { instance_id } })
    expect(Number((await peer.readReturn()).sequence)).toBe(5)
  })

  it('G01 O05 answers a failed start with an instance that refuses, and logs each problem', async () => {
    const module = pluginModule(() => Promise.resolve(), {
      start: () => {
        throw new Error('config:\n  issuer is missing\n\n  signing_keys is not JSON\n')
      },
    })
    await using kong = await open(module)
    const peer = await kong.connect()
    for (const [name, config] of [
      ['pbtest', '{}'],
      ['pbtest', 'not JSON'],
      ['other', '{}'],
    ] as const) {
      peer.send({ sequence: 9, cmd_start_instance: { name, config: Buffer.from(config) } })
      const instance_id = (await peer.readReturn()).instance_status?.instance_id ?? 0
      const asking = await kong.connect()
      asking.send({ sequence: 10, cmd_handle_event: { instance_id, event_name: 'access' } })
      const exit = await asking.readExit()
      expect(exit).toMatchObject({ status: 500 })
      expect(Buffer.from(exit.body).toString()).not.toContain('issuer')
    }
    const problems = kong.lines.filter(line => line['level'] === 50).map(line => line['msg'])
    expect(problems).toEqual([
      'a plugin instance was not started: config:',
      'a plugin instance was not started: issuer is missing',
      'a plugin instance was not started: signing_keys is not JSON',
      expect.stringContaining('JSON'),
      'a plugin instance was not started: there is no plugin other, only pbtest',
    ])
  })

  it.each(['cmd_handle_event', 'cmd_get_instance_status'] as const)(
    'closes the connection, and sends nothing, when %s names an unknown instance',
    async command => {
      await using kong = await open(passing)
      const peer = await kong.connect()
      const id = await kong.start(peer)
      peer.send({ sequence: 3, [command]: { instance_id: id + 1, event_name: 'access' } })
      expect(await peer.readToEnd()).toEqual([])
    },
  )

  it('gives other ids after a restart', async () => {
    const ids = new Set<number>()
    for (let i = 0; i < 3; i += 1) {
      await using kong = await open(passing)
      ids.add(await kong.start(await kong.connect()))
    }
    expect(ids.size).toBe(3)
  })
})

describe('ending', () => {
  it('O04 lets a running event finish, then closes the instance and listens no more', async () => {
    const entered = Promise.withResolvers<undefined>()
    const finish = Promise.withResolvers<undefined>()
    const order: string[] = []
    const access = async () => {
      entered.resolve(undefined)
      await finish.promise
      order.push('event')
    }
    const close = () => {
      order.push('instance')
      return Promise.resolve()
    }
    await using kong = await open(pluginModule(access, { close }))
    const [peer, idle] = [await kong.connect(), await kong.connect()]
    peer.startEvent(await kong.start(peer))
    await entered.promise
    const closed = kong.server.close()
    expect(await idle.readToEnd()).toEqual([])
    finish.resolve(undefined)
    expect(await peer.readText()).toBe('')
    expect(Number((await peer.readReturn()).sequence)).toBe(7)
    expect(await peer.readToEnd()).toEqual([])
    await closed
    expect(order).toEqual(['event', 'instance'])
    await expect(kong.connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('O04 does not wait for ever: neither for an event nor for close()', async () => {
    const entered = Promise.withResolvers<undefined>()
    const access = async () => {
      entered.resolve(undefined)
      await new Promise(() => undefined)
    }
    const close = () => new Promise<void>(() => undefined)
    await using kong = await open(pluginModule(access, { close }), { drain_ms: 20 })
    const peer = await kong.connect()
    peer.startEvent(await kong.start(peer))
    await entered.promise
    await kong.server.close()
    expect(await peer.readToEnd()).toEqual([])
    expect(kong.lines.map(line => line['msg'])).toContain('a plugin instance did not close in time')
  })
})

describe('the socket file', () => {
  const options = (socket: string) => ({ socket, module: passing, log: memoryLog().log })

  it('is replaced when a killed server left it', async () => {
    await using directory = await temporaryDirectory()
    const socket = join(directory.path, 's.sock')
    // Renamed away while it listens, it is not removed when its server closes.
    const dead = createServer().listen({ path: `${socket}.tmp` })
    await once(dead, 'listening')
    const { rename } = await import('node:fs/promises')
    await rename(`${socket}.tmp`, socket)
    dead.close()
    await once(dead, 'close')
    expect((await stat(socket)).isSocket()).toBe(true)
    const server = await startPluginServer(options(socket))
    await server.close()
  })

  it('is left alone when it is no socket', async () => {
    await using directory = await temporaryDirectory()
    const file = join(directory.path, 'file')
    await writeFile(file, 'precious')
    await expect(startPluginServer(options(file))).rejects.toThrow('is not a socket')
    expect(await readFile(file, 'utf8')).toBe('precious')
    const nowhere = join(directory.path, 'no', 's.sock')
    await expect(startPluginServer(options(nowhere))).rejects.toThrow()
  })

  it('G08 goes to the next server at a reload, while the former finishes what it has', async () => {
    await using directory = await temporaryDirectory()
    const socket = join(directory.path, 's.sock')
    const former = await startPluginServer({ ...options(socket), first_instance_id: 1 })
    const early = connectPluginServer(socket)
    const id = await early.startInstance('pbtest', {})
    const next = await startPluginServer({ ...options(socket), first_instance_id: 1000 })
    expect(await early.handleEvent(id, 'access', {})).toEqual({ kind: 'continue' })
    const late = connectPluginServer(socket)
    await late.startInstance('pbtest', {})
    early.close()
    await former.close()
    expect((await stat(socket)).isSocket()).toBe(true)
    expect(await late.startInstance('pbtest', {})).toBeGreaterThan(0)
    late.close()
    await next.close()
    expect((await stat(socket)).isSocket()).toBe(true)
    const after = await startPluginServer(options(socket))
    await after.close()
  })
})
