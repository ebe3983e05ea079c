import { setTimeout as pause } from 'node:timers/promises'

import { describe, expect, it } from '@jest/globals'

import { knownInstances } from '../../../../gateway/plugin-server/workers/known-instances.ts'
import type { WorkerProcess } from '../../../../gateway/plugin-server/workers/worker-process.ts'

/** Two workers that do as they are told, and the ids they were told to close. */
function open(close_grace_ms: number) {
  const closed: number[] = []
  const worker = {
    isReady: () => true,
    ask: (name: string, value: unknown) => {
      if (name === 'close') closed.push(value as number)
      return Promise.resolve([])
    },
  } as unknown as WorkerProcess
  const other = { ...worker }
  const instances = knownInstances({ workers: () => [worker, other], now: () => 0, close_grace_ms })
  const start = async (config: string) => (await instances.start({ name: 'telling', config })).id
  const close = (id: number) => instances.close(worker, id)
  return { instances, closed, start, close }
}

const config = '{"mark":"first"}'

describe('an instance that Kong has started', () => {
  it('is closed at once when each that started it has closed it', async () => {
    const { close, closed, instances, start } = open(60_000)
    const id = await start(config)
    expect(await start(config)).toBe(id)
    await close(id)
    expect([closed, instances.list().length]).toEqual([[], 1])
    await close(id)
    expect([closed, instances.list()]).toEqual([[id, id], []])
  })

  it('is closed some time after its first close, also when Kong forgot that it started it', async () => {
    const { close, closed, instances, start } = open(30)
    const id = await start(config)
    // A worker died in the middle of an event: Kong starts it again, and never closes the former.
    await start(config)
    await close(id)
    await pause(100)
    expect([closed, instances.list()]).toEqual([[id, id], []])
    // Named once more, it is another one.
    expect(await start(config)).not.toBe(id)
  })

  it('stays when it is started again after a close', async () => {
    const { close, closed, start } = open(30)
    const id = await start(config)
    await start(config)
    await close(id)
    expect(await start(config)).toBe(id)
    await pause(100)
    expect(closed).toEqual([])
  })
})
