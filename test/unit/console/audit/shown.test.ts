import { describe, expect, it } from '@jest/globals'
import { createGate } from '../../../../console/audit/gate.ts'
import { eventWords } from '../../../../console/audit/event-words.ts'
import { whoseEvents } from '../../../../console/audit/reader.ts'
import { visibleText } from '../../../../console/audit/visible-text.ts'
import { audit_columns, type ExportedEvent } from '../../../../storage/export-audit-events.ts'

describe('visibleText', () => {
  it.each([
    ['whoami', 'whoami'],
    ['日本語 é 🙂', '日本語 é 🙂'],
    ['a\u202Ebc', 'a\\u{202e}bc'],
    ['who\u200Bami', 'who\\u{200b}ami'],
    ['a\nb\u2028', 'a\\u{a}b\\u{2028}'],
    ['\u{E0041}', '\\u{e0041}'],
    ['<b>', '<b>'],
  ])('C02 shows %j as %j', (text, shown) => {
    expect(visibleText(text)).toBe(shown)
  })
})

describe('eventWords', () => {
  const nothing = Object.fromEntries(audit_columns.map(name => [name, null]))
  const event = (known: Partial<ExportedEvent>) =>
    ({ ...nothing, id: 7, ...known }) as ExportedEvent

  it('C02 says what happened, and leads to more of the same', () => {
    const at = '2026-11-27T14:05:03.123456Z'
    const words = eventWords(
      event({
        ...{ at, type: 'tool_call', outcome: 'refused', tool: 'a\u202E', org_id: 'acme' },
        ...{ user_id: 'usr_1', email: 'a@b.example', client_id: 'cl', connection_id: 'con' },
      }),
    )
    expect(words).toMatchObject({
      at: { iso: at, day: '2026-11-27', time: '14:05:03' },
      ...{ what: 'Tool call', tool: 'a\\u{202e}', who: 'a@b.example', org: 'acme' },
      outcome: { name: 'refused', word: 'Refused' },
    })
    expect(words.details).toEqual([
      { name: 'client_id', label: 'AI app', text: 'cl', more: { client: 'cl' } },
      { name: 'user_id', label: 'User id', text: 'usr_1', more: { user: 'usr_1' } },
      {
        ...{ name: 'connection_id', label: 'Connection', text: 'con' },
        more: { connection: 'con', user: 'usr_1' },
      },
      { name: 'id', label: 'Event', text: '7' },
    ])
  })

  it('C02 shows an event of a type that a newer release wrote', () => {
    const words = eventWords(event({ at: '2026-11-27T14:05:03.1Z', type: 'new', outcome: 'ok' }))
    expect([words.what, words.who]).toEqual(['new', undefined])
  })
})

describe('whoseEvents', () => {
  const member = { user_id: 'usr_1', email: 'x', org_ids: ['acme', 'globex'], admin_org_ids: [] }
  const admin = { ...member, admin_org_ids: ['acme'] }
  const own = { reader: { user_id: 'usr_1', org_ids: ['acme', 'globex'] }, org_id: undefined }
  const acme = { reader: { org_id: 'acme' }, org_id: 'acme' }

  it.each([
    ['a member', member, undefined, own],
    ['a member', member, '', own],
    ['a member', member, 'acme', undefined],
    ['a member', member, 'nowhere', undefined],
    ['an admin', admin, undefined, acme],
    ['an admin', admin, 'acme', acme],
    ['an admin', admin, '', own],
    ['an admin', admin, 'globex', undefined],
    ['an admin', admin, 'ACME', undefined],
    ['an admin', admin, 'usr_1', undefined],
  ])('C01 C02 %s (%o) who asks for %j reads %o', (_, viewer, asked, expected) => {
    expect(whoseEvents(viewer, asked)).toEqual(expected)
  })
})

describe('a gate', () => {
  it('C02 lets in what one may do, and what all may do', () => {
    const gate = createGate({ for_one: 2, for_all: 3 })
    const [a1, a2] = [gate.enter('a'), gate.enter('a')]
    expect(gate.enter('a')).toBeUndefined()
    const b = gate.enter('b')
    expect([typeof b, gate.enter('c')]).toEqual(['function', undefined])
    a1?.()
    a1?.()
    expect(typeof gate.enter('c')).toBe('function')
    expect(gate.enter('a')).toBeUndefined()
    a2?.()
    expect(typeof gate.enter('a')).toBe('function')
  })
})
