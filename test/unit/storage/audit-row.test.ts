import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { AuditEvent } from '../../../storage/audit-event.ts'
import { auditRow } from '../../../storage/audit-row.ts'

const event: AuditEvent = { type: 'tool_call', outcome: 'ok', tool: 'whoami' }

describe('auditRow', () => {
  it('M04 has every column, null where nothing is known', () => {
    const { type, outcome, tool, ...others } = auditRow(event)
    expect([type, outcome, tool]).toEqual(['tool_call', 'ok', 'whoami'])
    expect(Object.keys(others)).toHaveLength(16)
    expect(new Set(Object.values(others))).toEqual(new Set([null]))
  })

  it('M04 cuts what is too long, and never leaves half of a character', () => {
    expect(auditRow({ ...event, tool: 'x'.repeat(1_000_000) }).tool).toHaveLength(128)
    const cut = auditRow({ ...event, tool: `${'x'.repeat(127)}😀` }).tool
    expect(cut).toBe(`${'x'.repeat(127)}\uFFFD`)
  })

  it('M04 any text is one that PostgreSQL stores', () => {
    const anything = fc.string({
      unit: fc.integer({ max: 0xffff }).map(n => String.fromCharCode(n)),
    })
    fc.assert(
      fc.property(anything, text => {
        const { reason } = auditRow({ ...event, reason: `${text}\0\uD800` })
        expect(reason?.isWellFormed()).toBe(true)
        expect(reason).not.toContain('\0')
      }),
    )
  })

  it.each([
    [{ duration_ms: NaN }, { duration_ms: null }],
    [{ duration_ms: Infinity }, { duration_ms: null }],
    [{ count: 0 }, { count: 1 }],
    [{ count: 1e12 }, { count: 2_147_483_647 }],
    [{ count: NaN }, { count: null }],
    [{ at: new Date(NaN) }, { at: null }],
    [{ at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
  ])('M04 %j is stored as %j', (given, stored) => {
    expect(auditRow({ ...event, ...given })).toMatchObject(stored)
  })
})
