import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import { describe, expect, it } from '@jest/globals'

import { connectPluginServer } from '../../../../gateway/local/kong-side/client.ts'
import type { PdkHost } from '../../../../gateway/local/kong-side/pdk-host.ts'
import { startPrimary } from '../../../../gateway/plugin-server/workers/primary.ts'
import { memoryLog } from '../../../support/plugin-server/memory-log.ts'
import { workerPlugins } from '../../../support/plugin-server/worker-plugins.ts'

interface Told {
  readonly pid: number
  readonly mark: string
}

/** A request whose header `x-do` is the given one. */
const asking = (wanted: string): PdkHost => ({ 'kong.request.get_header': () => wanted })

async function open(count: number) {
  const directory = await workerPlugins()
  const socket = join(directory.path, 's.sock')
  const { log, lines } = memoryLog()
  const primary = await startPrimary({
    ...{ socket, plugins_directory: directory.path, workers: count, log, now: () => 5_999 },
    drain_ms: 2_000,
  })
  const kong = connectPluginServer(socket)
  const instance = await kong.startInstance('telling', { mark: 'first' })
  /** What a request is answered, by whichever worker. */
  const ask = async (wanted = '', id = instance): Promise<Told> => {
    const outcome = await kong.handleEvent(id, 'access', asking(wanted))
    if (outcome.kind !== 'exit') throw new Error('it was let through')
    return JSON.parse(outcome.body.toString()) as Told
  }
  const askMany = (times: number) => Promise.all(Array.from({ length: times }, () => ask()))
  const pids = async () => new Set((await askMany(count * 8)).map(({ pid }) => pid))
  const until = async (condition: () => boolean) => {
    while (!condition()) await pause(20)
  }
  const said = (text: string) => lines.filter(({ msg }) => String(msg).includes(text)).length
  const dispose = async () => {
    kong.close()
    await primary.close()
    await directory[Symbol.asyncDispose]()
  }
  return { kong, primary, ask, askMany, pids, until, said, [Symbol.asyncDispose]: dispose }
}

describe('workers of the plugin server', () => {
  it('share the requests, and each has every instance', async () => {
    await using server = await open(3)
    expect((await server.pids()).size).toBe(3)
    const second = await server.kong.startInstance('telling', { mark: 'second' })
    const told = await Promise.all(
      Array.from({ length: 24 }, async (_, index) => {
        const { mark } = await server.ask('', index % 2 === 0 ? second : undefined)
        return mark
      }),
    )
    expect(told).toEqual(told.map((_, index) => (index % 2 === 0 ? 'second' : 'first')))
  })

  it('G01 answer 500, all of them, for a configuration that is refused', async () => {
    await using server = await open(2)
    const id = await server.kong.startInstance('telling', { wrong: true })
    for (let request = 0; request < 8; request += 1)
      expect(await server.kong.handleEvent(id, 'access', asking(''))).toMatchObject({
        kind: 'exit',
        status: 500,
      })
  })

  it('are replaced when one is killed, and no request is lost', async () => {
    await using server = await open(2)
    const before = await server.pids()
    const [victim = 0] = before
    const asked = Array.from({ length: 40 }, async (_, index) => {
      await pause(index * 10)
      return server.ask()
    })
    await pause(100)
    process.kill(victim, 'SIGKILL')
    expect(await Promise.all(asked)).toHaveLength(40)
    await server.until(() => server.said('a worker is ready') === 3)
    const after = await server.pids()
    expect(after.size).toBe(2)
    expect(after.has(victim)).toBe(false)
    expect((await server.ask()).mark).toBe('first')
  })

  it('are replaced when one hangs, while the others go on', async () => {
    await using server = await open(2)
    const before = await server.pids()
    const stuck = server.ask('hang')
    await pause(100)
    expect(await server.askMany(10)).toHaveLength(10)
    // Kong runs it again on another worker once its connection is closed.
    expect(before.has((await stuck).pid)).toBe(true)
    expect(server.said('a worker hangs and is killed')).toBe(1)
    await server.until(() => server.said('a worker is ready') === 3)
    expect((await server.pids()).size).toBe(2)
  })

  it('O04 are restarted one after the other without losing a request', async () => {
    await using server = await open(2)
    const before = await server.pids()
    let over = false
    const answered: Told[] = []
    const caller = async () => {
      while (!over) answered.push(await server.ask(answered.length % 7 === 0 ? 'wait' : ''))
    }
    const calling = Promise.all([caller(), caller(), caller()])
    await server.primary.restart()
    over = true
    await calling
    expect(answered.length).toBeGreaterThan(10)
    const after = await server.pids()
    expect(after.size).toBe(2)
    expect([...after].filter(pid => before.has(pid))).toEqual([])
    expect((await server.ask()).mark).toBe('first')
  })

  it('O02 are counted as one, and what a worker counted stays counted when it is gone', async () => {
    await using server = await open(2)
    const total = async () => {
      const text = await server.primary.metrics()
      expect(text).toMatch(/^plugin_server_workers 2$/m)
      expect(text).toMatch(/^here 2$/m)
      expect(text).toMatch(/^plugin_server_instances 1$/m)
      return Number(/^told_total (\d+)$/m.exec(text)?.[1])
    }
    await server.askMany(20)
    expect(await total()).toBe(20)
    const [victim = 0] = await server.pids()
    expect(await total()).toBe(36)
    process.kill(victim, 'SIGKILL')
    await server.until(() => server.said('a worker is ready') === 3)
    expect(await total()).toBe(36)
    await server.primary.restart()
    expect(await total()).toBe(36)
  })

  it('O04 are ready as long as one of them is, and say so when none is', async () => {
    await using server = await open(1)
    expect(await server.primary.problems()).toEqual([])
    const [only = 0] = await server.pids()
    process.kill(only, 'SIGKILL')
    await server.until(() => server.said('another takes its place') === 1)
    expect(await server.primary.problems()).toEqual(['no process of the plugin server answers'])
    // It waits for the next one.
    expect((await server.ask()).pid).not.toBe(only)
    expect(await server.primary.problems()).toEqual([])
    await server.primary.close()
    expect(await server.primary.problems()).toEqual(['the plugin server is ending'])
  })

  it('are not started when the plugin is not there', async () => {
    await using directory = await workerPlugins()
    const { log } = memoryLog()
    const starting = startPrimary({
      ...{ socket: join(directory.path, 's.sock'), workers: 2, log, now: () => 0 },
      plugins_directory: join(directory.path, 'telling'),
    })
    await expect(starting).rejects.toThrow('a worker ended before it was ready: exit code 1')
  })
})
