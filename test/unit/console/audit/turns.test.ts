import { describe, expect, it } from '@jest/globals'
import { createTurns, stepsInTurn } from '../../../../console/audit/turns.ts'

/** Work that ends when it is told to, and notes when it begins. */
function works() {
  const begun: string[] = []
  const end = new Map<string, () => void>()
  const work = (name: string) => () => {
    begun.push(name)
    return new Promise<string>(resolve => end.set(name, () => resolve(name)))
  }
  return { begun, work, end: (name: string) => end.get(name)?.() }
}
/** All that is ready to go on has gone on. */
const settled = () => new Promise(resolve => setImmediate(resolve))

describe('turns', () => {
  it('C02 lets so many work at once, and the others in the order in which they came', async () => {
    const { begun, work, end } = works()
    const inTurn = createTurns(2)
    const all = ['a', 'b', 'c', 'd'].map(name => inTurn(work(name)))
    await settled()
    expect(begun).toEqual(['a', 'b'])
    end('b')
    const late = inTurn(work('e'))
    await settled()
    expect(begun).toEqual(['a', 'b', 'c'])
    for (const name of ['a', 'c', 'd', 'e']) {
      end(name)
      await settled()
    }
    expect([...(await Promise.all(all)), await late]).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  it('C02 go on after work that failed', async () => {
    const inTurn = createTurns(1)
    const failed = inTurn(() => Promise.reject(new Error('no')))
    const next = inTurn(() => Promise.resolve('yes'))
    await expect(failed).rejects.toThrow('no')
    expect(await next).toBe('yes')
  })

  it('C02 are held by a generator only while it makes a step, and ended with it', async () => {
    const inTurn = createTurns(1)
    let over = false
    async function* endless() {
      try {
        for (let n = 0; ; n += 1) yield await Promise.resolve(n)
      } finally {
        over = true
      }
    }
    const one = stepsInTurn(inTurn, endless())
    const other = stepsInTurn(inTurn, endless())
    expect([(await one.next()).value, (await other.next()).value]).toEqual([0, 0])
    expect((await one.next()).value).toBe(1)
    await one.return(undefined)
    expect(over).toBe(true)
  })
})
