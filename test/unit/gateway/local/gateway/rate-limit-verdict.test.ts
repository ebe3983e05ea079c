import { describe, expect, it } from '@jest/globals'
import { judge } from '../../../../../gateway/local/gateway/rate-limit-verdict.ts'
import { windowStart } from '../../../../../gateway/local/gateway/rate-limit-windows.ts'

const now = Date.UTC(2026, 1, 28, 23, 59, 12, 345)

describe('the window of a limit', () => {
  it.each([
    ['second', '2026-02-28T23:59:12.000Z'],
    ['minute', '2026-02-28T23:59:00.000Z'],
    ['hour', '2026-02-28T23:00:00.000Z'],
    ['day', '2026-02-28T00:00:00.000Z'],
    ['month', '2026-02-01T00:00:00.000Z'],
    ['year', '2026-01-01T00:00:00.000Z'],
  ] as const)('of a %s begins with the calendar', (period, start) => {
    expect(new Date(windowStart(period, now)).toISOString()).toBe(start)
  })
})

describe('a request within its limits', () => {
  it('G07 is told what is left, and of the window that is nearest its end', () => {
    const usages = [
      { period: 'minute', limit: 5, used: 1 },
      { period: 'hour', limit: 10, used: 8 },
    ] as const
    expect(judge(usages, now)).toEqual({
      exceeded: false,
      headers: {
        'X-RateLimit-Limit-Minute': '5',
        'X-RateLimit-Remaining-Minute': '3',
        'X-RateLimit-Limit-Hour': '10',
        'X-RateLimit-Remaining-Hour': '1',
        'RateLimit-Limit': '10',
        'RateLimit-Remaining': '1',
        'RateLimit-Reset': '48',
      },
    })
  })

  it('is told of the longer of two windows with as much left', () => {
    const usages = [
      { period: 'second', limit: 2, used: 0 },
      { period: 'day', limit: 2, used: 0 },
    ] as const
    expect(judge(usages, now).headers).toMatchObject({
      'RateLimit-Limit': '2',
      'RateLimit-Reset': '48',
    })
  })

  it('is the last of its window, and told to wait a second at least', () => {
    const verdict = judge([{ period: 'second', limit: 1, used: 0 }], now)
    expect(verdict).toMatchObject({
      exceeded: false,
      headers: { 'RateLimit-Remaining': '0', 'RateLimit-Reset': '1' },
    })
    expect(verdict.headers).not.toHaveProperty('Retry-After')
  })
})

describe('a request beyond a limit', () => {
  it('G07 is told when to come again, and nothing else is counted down', () => {
    const usages = [
      { period: 'minute', limit: 5, used: 7 },
      { period: 'hour', limit: 10, used: 8 },
    ] as const
    expect(judge(usages, now)).toEqual({
      exceeded: true,
      headers: {
        'X-RateLimit-Limit-Minute': '5',
        'X-RateLimit-Remaining-Minute': '0',
        'X-RateLimit-Limit-Hour': '10',
        'X-RateLimit-Remaining-Hour': '2',
        'RateLimit-Limit': '5',
        'RateLimit-Remaining': '0',
        'RateLimit-Reset': '48',
        'Retry-After': '48',
      },
    })
  })
})
