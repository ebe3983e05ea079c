import { beforeEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  cacheConnections,
  type ConnectionCache,
} from '../../../../../plugins/mcp-oidc/door/connection-cache.ts'
import type { Connection } from '../../../../../storage/connections.ts'

const grace = 5
const connection = (status: 'active' | 'ended') => ({ id: 'c', status }) as Connection

describe('cacheConnections', () => {
  let time: number
  let confirmed: number | undefined
  let queries: { answer: (status: 'active' | 'ended') => void; fail: () => void }[]
  let cache: ConnectionCache

  beforeEach(() => {
    time = 1_000_000
    confirmed = time
    queries = []
    cache = cacheConnections({
      find: () =>
        new Promise((resolve, reject) => {
          queries.push({
            answer: status => resolve(connection(status)),
            fail: () => reject(new Error('the database is away')),
          })
        }),
      confirmedAt: () => confirmed,
      grace,
      now: () => time,
    })
  })

  /** Lets everything happen that waits for nothing else. */
  const settle = () => new Promise(resolve => setImmediate(resolve))
  const state = async () => (await cache.get('c'))?.status

  /** Asks, and lets the database answer if it is asked. */
  async function ask(answer: 'active' | 'ended' | 'fail'): Promise<string | undefined> {
    const asked = state()
    await settle()
    for (const query of queries.splice(0))
      if (answer === 'fail') query.fail()
      else query.answer(answer)
    return asked
  }

  it('K05 asks once for many who ask at the same time', async () => {
    const all = Promise.all([state(), state(), state()])
    await settle()
    expect(queries).toHaveLength(1)
    queries[0]?.answer('active')
    expect(await all).toEqual(['active', 'active', 'active'])
    expect(await state()).toBe('active')
  })

  it('K05 does not remember a failure', async () => {
    await expect(ask('fail')).rejects.toThrow('away')
    expect(await ask('active')).toBe('active')
  })

  it('T07 forgets what a notification was about, and nothing else', async () => {
    await ask('active')
    cache.forget('other')
    expect(await state()).toBe('active')
    cache.forget('c')
    expect(await ask('ended')).toBe('ended')
  })

  it.each(['forget', 'forgetAll'] as const)(
    'T07 looks up again what %s overtook, for those who were waiting too',
    async how => {
      const asked = state()
      await settle()
      if (how === 'forget') cache.forget('c')
      else cache.forgetAll()
      const later = state()
      queries.shift()?.answer('active')
      await settle()
      queries.shift()?.answer('ended')
      expect([await asked, await later]).toEqual(['ended', 'ended'])
      expect(await state()).toBe('ended')
    },
  )

  it('T07 gives up on what is overtaken each time', async () => {
    const asked = state()
    for (let time = 0; time < 3; time += 1) {
      await settle()
      cache.forget('c')
      queries.shift()?.answer('active')
    }
    await expect(asked).rejects.toThrow('changed each time')
  })

  it('T07 looks again after a minute, also when all is well', async () => {
    await ask('active')
    time += 60_000
    confirmed = time
    expect(await state()).toBe('active')
    time += 1
    confirmed = time
    expect(await ask('ended')).toBe('ended')
  })

  it('K05 serves what it knows for the grace while nothing can be asked, and no longer', async () => {
    await ask('active')
    time += 70_000
    confirmed = time
    expect(await ask('fail')).toBe('active')
    time += grace * 1000
    expect(await ask('fail')).toBe('active')
    time += 1
    await expect(ask('fail')).rejects.toThrow('away')
  })

  it('K05 looks up everything anew once the grace is over, when only the listener is cut off', async () => {
    await ask('active')
    time += grace * 1000
    expect(await state()).toBe('active')
    time += 1
    expect(await ask('ended')).toBe('ended')
  })

  it('T07 in no order of events says that a connection is active longer than the grace after its end', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 4_000 }) }),
      fc.record({
        do: fc.constantFrom(
          ...(['ask', 'ask', 'answer', 'answer', 'fail', 'end', 'cut', 'mend', 'confirm'] as const),
        ),
        ms: fc.constant(0),
      }),
    )
    let active_after_end = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async steps => {
        time = 1_000_000
        confirmed = time
        let ended_at: number | undefined
        let connected = true
        const pending: {
          resolve: (found: Connection) => void
          reject: (e: Error) => void
          found: 'active' | 'ended'
        }[] = []
        const model = cacheConnections({
          // What the database holds when the query begins, the oldest it may answer with.
          find: () =>
            new Promise((resolve, reject) =>
              pending.push({ resolve, reject, found: ended_at === undefined ? 'active' : 'ended' }),
            ),
          confirmedAt: () => confirmed,
          grace,
          now: () => time,
        })
        const asking: Promise<void>[] = []
        const actions = {
          pass: (ms: number) => {
            time += ms
          },
          ask: () => {
            const asked_at = time
            const ended = ended_at
            asking.push(
              Promise.resolve(model.get('c')).then(
                found => {
                  if (found?.status !== 'active' || ended === undefined) return
                  active_after_end += 1
                  expect(asked_at - ended).toBeLessThanOrEqual(grace * 1000)
                },
                () => undefined,
              ),
            )
          },
          answer: () => {
            const query = pending.shift()
            query?.resolve(connection(query.found))
          },
          fail: () => pending.shift()?.reject(new Error('away')),
          end: () => {
            ended_at ??= time
            if (connected) model.forget('c')
          },
          cut: () => {
            connected = false
          },
          mend: () => {
            connected = true
            model.forgetAll()
            confirmed = time
          },
          confirm: () => {
            if (connected) confirmed = time
          },
        }
        for (const { do: action, ms } of steps) {
          actions[action](ms)
          await settle()
        }
        while (pending.length > 0) {
          actions.answer()
          await settle()
        }
        await Promise.all(asking)
      }),
      { numRuns: 500 },
    )
    // The runs held cases in which the rule was what decided.
    expect(active_after_end).toBeGreaterThan(0)
  })
})
