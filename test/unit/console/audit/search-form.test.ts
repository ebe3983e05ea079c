import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { addressOf, cursorOf, parseSearch } from '../../../../console/audit/search-form.ts'

const now = new Date('2026-11-27T12:00:00Z')
const parse = (query: object) => parseSearch(query, now)
function search(query: object) {
  const parsed = parse(query)
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems))
  return parsed.search
}

describe('parseSearch', () => {
  it('C02 asks for the last 30 days unless told', () => {
    expect(search({})).toEqual({
      asked: {},
      org: undefined,
      filter: { since: new Date('2026-10-28T12:00:00Z') },
      after: undefined,
      format: 'csv',
    })
  })

  it('C02 takes what a browser sends for a form that was left empty', () => {
    const empty = { user: '', tool: '', client: '', connection: '', type: '', outcome: '' }
    const { filter, asked } = search({ ...empty, from: '', until: '', org: '' })
    expect(filter).toEqual(search({}).filter)
    expect(asked).toEqual({ org: '' })
  })

  it('C02 asks for all that is named', () => {
    const query = {
      ...{ org: 'acme', user: ' usr_1 ', tool: 'whoami', client: 'https://c.example/m.json' },
      ...{ connection: 'con_1', type: 'tool_call', outcome: 'refused', format: 'jsonl' },
      ...{ from: '2026-11-01', until: '2026-11-02T09:30', after: '2026-11-01T10:00:00.000001Z~77' },
    }
    expect(search(query)).toEqual({
      asked: query,
      org: 'acme',
      filter: {
        ...{ user_id: 'usr_1', tool: 'whoami', client_id: 'https://c.example/m.json' },
        ...{ connection_id: 'con_1', type: 'tool_call', outcome: 'refused' },
        ...{ since: new Date('2026-11-01T00:00Z'), until: new Date('2026-11-02T09:30Z') },
      },
      after: { at: '2026-11-01T10:00:00.000001Z', id: '77' },
      format: 'jsonl',
    })
  })

  it('C02 reads a time as UTC, wherever the console runs', () => {
    for (const from of ['2026-11-01T00:00', '2026-11-01T00:00:00', '2026-11-01T00:00:00Z'])
      expect(search({ from }).filter.since.toISOString()).toBe('2026-11-01T00:00:00.000Z')
    expect(search({ user: 'alice@acme.example' }).filter).toMatchObject({
      email: 'alice@acme.example',
    })
  })

  it.each([
    [{ type: 'nonsense' }, 'type', 'Choose one'],
    [{ outcome: 'OK' }, 'outcome', 'Choose one'],
    [{ format: 'xml' }, 'format', 'Choose one'],
    [{ from: 'yesterday' }, 'from', 'such as'],
    [{ from: '2026-02-30' }, 'from', 'such as'],
    [{ from: '2026-11-01T25:00' }, 'from', 'such as'],
    [{ from: '2026-11-01T10:00+01:00' }, 'from', 'such as'],
    [{ from: '0000-01-01' }, 'from', 'year'],
    [{ until: '9999-12-31' }, 'until', 'year'],
    [{ from: '2026-11-27T12:00' }, 'from', 'still to come'],
    [{ from: '2026-11-02', until: '2026-11-02' }, 'from', 'not before'],
    [{ from: '2001-01-01' }, 'from', 'These are 9462 days; at most 400'],
    [{ until: ['2026-11-01', '2026-11-02'] }, 'until', 'once'],
    [{ user: ['a', 'b'] }, 'user', 'once'],
    [{ user: 'a'.repeat(321) }, 'user', '320 characters'],
    [{ tool: 'a\0b' }, 'tool', 'cannot be searched'],
    [{ after: '2026-11-01T10:00:00.000001Z' }, 'after', 'not complete'],
    [{ after: '2026-13-01T10:00:00.000001Z~1' }, 'after', 'not complete'],
    [{ after: `2026-11-01T10:00:00.000001Z~${'9'.repeat(19)}` }, 'after', 'not complete'],
    [{ org_id: 'globex' }, 'form', 'cannot search'],
    [{ seen_by: 'globex' }, 'form', 'cannot search'],
    [{ constructor: 'x' }, 'form', 'cannot search'],
  ])('C02 says of %j what is wrong with %s', (query, field, words) => {
    const parsed = parse(query)
    if (!('problems' in parsed)) throw new Error('it was taken')
    expect(parsed.problems).toEqual({ [field]: expect.stringContaining(words) })
  })

  it('C02 says all that is wrong at once', () => {
    const parsed = parse({ type: 'x', from: 'y', nonsense: 'z' })
    expect('problems' in parsed && Object.keys(parsed.problems).sort()).toEqual([
      ...['form', 'from', 'type'],
    ])
  })

  it('C02 never throws, and what it takes can be asked of the database', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('2026-11-01', '9'.repeat(400), '', 'ok', 'tool_call', '\uD800'),
      fc.array(fc.string()),
      fc.constant({ deep: 'x' }),
    )
    const name = fc.oneof(
      fc.constantFrom(...['org', 'user', 'tool', 'client', 'type', 'from', 'until', 'after']),
      fc.constantFrom('__proto__', 'constructor', 'toString'),
    )
    fc.assert(
      fc.property(fc.dictionary(name, value), query => {
        const parsed = parse(query)
        if ('problems' in parsed) return expect(parsed.problems).not.toEqual({})
        const { since, until = now, ...others } = parsed.search.filter
        expect(until.getTime() - since.getTime()).toBeLessThanOrEqual(400 * 86_400_000)
        for (const each of Object.values(others)) expect(each).toMatch(/^\P{Cc}+$/u)
      }),
    )
  })
})

describe('addressOf', () => {
  it('C02 leads to the same search again, changed', () => {
    const asked = { org: '', user: 'a&b=c', tool: 'x' }
    const address = addressOf('/console/audit', asked, { tool: undefined, type: 'consent' })
    expect(address).toBe('/console/audit?org=&user=a%26b%3Dc&type=consent')
    const query = Object.fromEntries(new URL(address, 'http://localhost').searchParams)
    expect(search(query).asked).toEqual({ org: '', user: 'a&b=c', type: 'consent' })
    expect(addressOf('/console/audit', {})).toBe('/console/audit')
  })

  it('C02 holds a place that is found again', () => {
    const place = { at: '2026-11-01T10:00:00.000001Z', id: 12 }
    expect(search({ after: cursorOf(place) }).after).toEqual({ ...place, id: '12' })
  })
})
