import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { AuditEvent } from '../../../storage/audit-event.ts'
import {
  createRefusalTally,
  type Refusal,
  type RefusalTally,
} from '../../../storage/refusal-tally.ts'

const refusal = (ip: string, error_code = 'no_token'): Refusal => ({
  ...{ type: 'refusal', outcome: 'refused', error_code, ip, request_id: `of ${ip}` },
})
const minute = Date.parse('2026-11-27T10:00:00Z')

describe('refusals of nobody known', () => {
  let recorded: AuditEvent[]
  let failures: { readonly error: unknown; readonly lost: number }[]
  let broken: boolean
  let now: number
  let tally: RefusalTally

  const open = (most_kinds: number) =>
    createRefusalTally({
      record(event) {
        if (broken) return Promise.reject(new Error('no database'))
        recorded.push(event)
        return Promise.resolve()
      },
      now: () => now,
      failed: (error, lost) => void failures.push({ error, lost }),
      most_kinds,
    })
  beforeEach(() => {
    recorded = []
    failures = []
    broken = false
    now = minute + 30_000
    tally = open(100)
  })
  afterEach(() => tally.close())

  it('M05 are one row for a minute, reason and address, however many they are', async () => {
    for (let time = 0; time < 100_000; time += 1) tally.count(refusal('192.0.2.1'))
    for (let time = 0; time < 3; time += 1) tally.count(refusal('192.0.2.2'))
    tally.count(refusal('192.0.2.2', 'expired'))
    await tally.flush()
    expect(recorded).toEqual([])
    now += 30_000
    await tally.flush()
    const row = { type: 'refusal', outcome: 'refused', at: new Date(minute) }
    expect(recorded).toEqual([
      { ...row, error_code: 'no_token', ip: '192.0.2.1', count: 100_000 },
      { ...row, error_code: 'no_token', ip: '192.0.2.2', count: 3 },
      { ...row, error_code: 'expired', ip: '192.0.2.2', count: 1 },
    ])
    await tally.flush()
    expect(recorded).toHaveLength(3)
  })

  it('M05 the first of its kind in a minute is the one to be recorded with all that is known', async () => {
    expect(tally.isFirst(refusal('192.0.2.1'))).toBe(true)
    expect(tally.isFirst(refusal('192.0.2.1'))).toBe(false)
    expect(tally.isFirst(refusal('192.0.2.2'))).toBe(true)
    now += 60_000
    expect(tally.isFirst(refusal('192.0.2.1'))).toBe(true)
    await tally.flush()
    expect(recorded).toMatchObject([{ ip: '192.0.2.1', count: 1, at: new Date(minute) }])
  })

  it('M05 are all recorded at the end', async () => {
    tally.count(refusal('192.0.2.1'))
    await tally.close()
    expect(recorded).toMatchObject([{ count: 1, at: new Date(minute) }])
  })

  it('M05 of ever new addresses take bounded memory and rows, and none is lost', async () => {
    for (let host = 0; host < 10_000; host += 1) tally.count(refusal(`2001:db8::${host}`))
    expect(tally.isFirst(refusal('203.0.113.1'))).toBe(false)
    await tally.close()
    expect(recorded).toHaveLength(101)
    expect(recorded.reduce((sum, { count = 0 }) => sum + count, 0)).toBe(10_001)
    const rest = recorded.at(-1)
    expect(rest).toMatchObject({ error_code: 'no_token', count: 9_901, type: 'refusal' })
    expect(rest).not.toHaveProperty('ip')
  })

  it('M05 wait for the trail, and what there is no room for is said to be lost', async () => {
    tally = open(2)
    broken = true
    for (const host of [1, 2, 3, 4, 5, 6]) tally.count(refusal(`192.0.2.${host}`, `code ${host}`))
    now += 60_000
    await tally.flush()
    expect(failures).toEqual([{ error: new Error('no database'), lost: 2 }])
    broken = false
    await tally.flush()
    expect(recorded.map(({ error_code }) => error_code)).toEqual([1, 2, 3, 4].map(n => `code ${n}`))
    expect(failures).toHaveLength(1)
  })
})
