import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { csv, formatted, jsonl } from '../../../storage/audit-format.ts'
import { audit_columns, type ExportedEvent } from '../../../storage/export-audit-events.ts'

const nothing = Object.fromEntries(audit_columns.map(name => [name, null]))
const event = (known: Partial<ExportedEvent>) => ({ ...nothing, ...known }) as ExportedEvent

/** RFC 4180 as a spreadsheet reads it: quotes count where a cell begins with one. */
function cells(text: string, separator: string): string[] {
  const found: string[] = []
  for (let rest = text; ;) {
    const quoted = /^"((?:[^"]|"")*)"/.exec(rest)
    const plain = quoted ? '' : (new RegExp(`^[^${separator}\\r\\n]*`).exec(rest)?.[0] ?? '')
    found.push(quoted ? (quoted[1] ?? '').replaceAll('""', '"') : plain)
    rest = rest.slice(quoted ? quoted[0].length : plain.length)
    if (rest === '') return found
    // What follows the closing quote belongs to the cell; then comes a separator or a line's end.
    if (quoted && !/^[\r\n]/.test(rest) && !rest.startsWith(separator)) {
      const more = new RegExp(`^[^${separator}\\r\\n]*`).exec(rest)?.[0] ?? ''
      found.push(`${found.pop() ?? ''}${more}`)
      rest = rest.slice(more.length)
    }
    if (rest === '') return found
    rest = rest.slice(1)
  }
}

/** Texts of an attacker who knows how spreadsheets part cells. */
const text = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...Array.from('=+-@;,\t\r\n"\' ＝＋－＠')) },
      fc.constantFrom('cmd|calc', 'SUM(A1)', 'a', '0', '\u00a0'),
    ),
    { maxLength: 8 },
  )
  .map(parts => parts.join(''))

const begins_formula = /^[\s"]*[=+\-@＝＋－＠]/

describe('an export as CSV', () => {
  it.each([
    ['=1+1', "'=1+1"],
    [' =1', "' =1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\tx', "'\tx"],
    ['\rx', `"'\rx"`],
    ['＝1', "'＝1"],
    ['a;=1', "a;'=1"],
    ['a; \t-1', "a;' \t-1"],
    ['a\n=1', `"a\n'=1"`],
    ['a=1-2', 'a=1-2'],
    ['2026-11-01T00:00:00.000000Z', '2026-11-01T00:00:00.000000Z'],
  ])('M05 C02 writes %j as %j', (tool, cell) => {
    expect(csv.line(event({ id: 1, tool, duration_ms: -1.5 }))).toBe(
      csv.line(event({ id: 1, tool: 'TOOL', duration_ms: -1.5 })).replace('TOOL', () => cell),
    )
  })

  it.each([',', ';'])('M05 C02 begins no formula where cells are parted by %j', separator => {
    fc.assert(
      fc.property(text, text, (tool, reason) => {
        const line = csv.line(event({ id: 7, outcome: 'ok', tool, reason }))
        for (const cell of cells(line, separator)) expect(cell).not.toMatch(begins_formula)
      }),
      { numRuns: 3_000 },
    )
  })

  it('M05 C02 keeps every cell in its place, whatever the texts are', () => {
    fc.assert(
      fc.property(text, text, (tool, reason) => {
        const row = cells(csv.line(event({ id: 7, tool, reason, count: 2 })), ',')
        expect(row).toHaveLength(audit_columns.length)
        expect([row[0], row[audit_columns.indexOf('count')]]).toEqual(['7', '2'])
        const plain = (value: string | undefined) => value?.replaceAll("'", '')
        expect(plain(row[audit_columns.indexOf('reason')])).toBe(plain(reason))
      }),
    )
  })
})

describe('formatted', () => {
  const texts = async (format: typeof csv, pages: ExportedEvent[][]) => {
    async function* given() {
      await Promise.resolve()
      yield* pages
    }
    const all: string[] = []
    for await (const each of formatted(format, given())) all.push(each)
    return all
  }

  it('C02 gives a text for each page, and the heading even without events', async () => {
    const [one, two, three] = [1, 2, 3].map(id => event({ id }))
    if (!one || !two || !three) throw new Error('none')
    expect(await texts(jsonl, [[one, two], [three]])).toEqual([
      '{"id":1}\n{"id":2}\n',
      '{"id":3}\n',
    ])
    expect(await texts(csv, [])).toEqual([`${audit_columns.join(',')}\n`])
  })
})
