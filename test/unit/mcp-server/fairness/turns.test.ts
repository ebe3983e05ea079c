import { describe, expect, it, jest } from '@jest/globals'
import { createTurns } from '../../../../mcp-server/fairness/turns.ts'

const limits = {
  ...{ per_user: 2, per_org: 3, alone: { per_user: 4, per_org: 6 }, quiet: 1_000 },
  ...{ longest: 100, most_waiting: 5 },
}
const never = new AbortController().signal
const caller = (user_id: string, org_id = 'acme') => ({ user_id, org_id })
const settle = () => new Promise(resolve => setImmediate(resolve))

/** Takes turns and notes the order in which they begin; somebody else has called just before. */
async function begin() {
  let now = 0
  const turns = createTurns(limits, () => now)
  const began: string[] = []
  const ends = new Map<string, () => void>()
  const take = async (name: string, user_id: string, org_id?: string, signal = never) => {
    const end = await turns.take(caller(user_id, org_id), signal)
    began.push(end ? name : `${name} turned away`)
    if (end) ends.set(name, end)
  }
  const end = (name: string) => ends.get(name)?.()
  for (const user_id of ['zoe', 'yan']) {
    const leave = await turns.take(caller(user_id, 'other'), never)
    leave?.()
  }
  return { turns, began, take, end, pass: (milliseconds: number) => (now += milliseconds) }
}

describe('createTurns', () => {
  it('G07 two of a user and three of an organization begin at once, the others in their order', async () => {
    const { turns, began, take, end } = await begin()
    for (const name of ['a1', 'a2', 'a3']) void take(name, 'alice')
    for (const name of ['b1', 'b2']) void take(name, 'bob')
    await settle()
    expect(began).toEqual(['a1', 'a2', 'b1'])
    expect(turns.waiting()).toBe(2)
    end('a1')
    await settle()
    expect(began.slice(3)).toEqual(['a3'])
    end('a3')
    await settle()
    expect(began.slice(4)).toEqual(['b2'])
  })

  it('G07 another organization does not wait for any of that', async () => {
    const { began, take } = await begin()
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5']) void take(name, 'alice')
    void take('c1', 'carol', 'globex')
    await settle()
    expect(began).toEqual(['a1', 'a2', 'c1'])
  })

  it('G07 a call that takes long makes room, and its end does not do so twice', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] })
    try {
      const { began, take, end } = await begin()
      for (const name of ['a1', 'a2', 'a3', 'a4']) void take(name, 'alice')
      await settle()
      jest.advanceTimersByTime(100)
      await settle()
      expect(began).toEqual(['a1', 'a2', 'a3', 'a4'])
      end('a1')
      end('a1')
      void take('a5', 'alice')
      await settle()
      expect(began).toHaveLength(4)
    } finally {
      jest.useRealTimers()
    }
  })

  it('G07 who has gone does not wait, and keeps nobody', async () => {
    const { turns, began, take, end } = await begin()
    const gone = new AbortController()
    void take('a1', 'alice')
    void take('a2', 'alice')
    void take('a3', 'alice', 'acme', gone.signal)
    void take('a4', 'alice')
    await settle()
    gone.abort()
    await settle()
    expect(turns.waiting()).toBe(1)
    end('a2')
    await settle()
    expect(began).toEqual(['a1', 'a2', 'a3 turned away', 'a4'])
  })

  it('G07 turns away one more than may wait', async () => {
    const { began, take } = await begin()
    for (let nth = 1; nth <= 8; nth += 1) void take(`a${nth}`, 'alice')
    await settle()
    expect(began).toEqual(['a1', 'a2', 'a8 turned away'])
  })

  it('while nobody else calls, the only user of the only organization has as many as there are', async () => {
    const { began, take, end, pass } = await begin()
    pass(1_001)
    for (let nth = 1; nth <= 8; nth += 1) void take(`a${nth}`, 'alice')
    await settle()
    expect(began).toEqual(['a1', 'a2', 'a3', 'a4', 'a5', 'a6'])
    end('a1')
    await settle()
    expect(began.slice(6)).toEqual(['a7'])
  })

  it('users of the only organization leave each other some', async () => {
    const { began, take, pass } = await begin()
    pass(1_001)
    void take('b1', 'bob')
    for (let nth = 1; nth <= 5; nth += 1) void take(`a${nth}`, 'alice')
    void take('b2', 'bob')
    await settle()
    expect(began).toEqual(['b1', 'a1', 'a2', 'a3', 'a4', 'b2'])
  })

  it('G07 no further ones begin once another organization has called, until it has been quiet for long', async () => {
    const { began, take, end, pass } = await begin()
    pass(1_001)
    for (let nth = 1; nth <= 8; nth += 1) void take(`a${nth}`, 'alice')
    await take('c1', 'carol', 'globex')
    end('c1')
    for (const name of ['a1', 'a2', 'a3', 'a4']) end(name)
    await settle()
    expect(began.slice(6)).toEqual(['c1'])
    end('a5')
    await settle()
    expect(began.slice(7)).toEqual(['a7'])
    pass(1_000)
    end('a6')
    await settle()
    expect(began.slice(8)).toEqual(['a8'])
    for (const name of ['a9', 'a10', 'a11']) void take(name, 'alice')
    await settle()
    expect(began).toHaveLength(9)
    pass(1)
    end('a7')
    await settle()
    expect(began.slice(9)).toEqual(['a9', 'a10', 'a11'])
  })

  it('G07 an organization whose call takes long is still there', async () => {
    const { began, take, pass } = await begin()
    await take('c1', 'carol', 'globex')
    pass(5_000)
    for (const name of ['a1', 'a2', 'a3']) void take(name, 'alice')
    await settle()
    expect(began).toEqual(['c1', 'a1', 'a2'])
  })

  it('G07 forgets organizations that have nothing to do', async () => {
    const { turns, began, take, end } = await begin()
    for (let nth = 0; nth < 1_000; nth += 1) {
      await take(`${nth}`, 'alice', `org-${nth}`)
      end(`${nth}`)
    }
    expect(began).toHaveLength(1_000)
    expect(turns.waiting()).toBe(0)
    expect(turns.organizations()).toBe(0)
  })
})
