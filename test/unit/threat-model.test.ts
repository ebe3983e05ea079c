import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/threat-model.md'), 'utf8')

interface Row {
  readonly threat: string
  readonly stopped_by: string
  readonly shown_by: string
}

/** The rows of every table, without headings. */
function rowsOf(markdown: string): readonly Row[] {
  return markdown.split('\n').flatMap(line => {
    const cells = line.split('|').slice(1, -1)
    const [threat = '', stopped_by = '', shown_by = ''] = cells.map(cell => cell.trim())
    const heading = shown_by === 'shown by' || /^-+$/.test(threat)
    return cells.length < 4 || heading ? [] : [{ threat, stopped_by, shown_by }]
  })
}

/** Tests that a cell cites: a file in backticks, then names in double quotes, which are of that file. */
function citations(cell: string): readonly { file: string; names: readonly string[] }[] {
  return [...cell.matchAll(/`(test\/[^`]+)`((?:[:,]? ?"[^"]+")*)/g)].map(
    ([, file = '', names = '']) => ({
      file,
      names: [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name),
    }),
  )
}

/** What is wrong with a citation; undefined when the test is there. */
function missing(file: string, names: readonly string[]): string | undefined {
  const path = join(root, file)
  if (!existsSync(path)) return `there is no ${file}`
  const source = readFileSync(path, 'utf8')
  // As the name of a test or of a group of tests: in quotes of its own.
  const name = names.find(each => !["'", '"', '`'].some(q => source.includes(q + each + q)))
  return name === undefined ? undefined : `${file} has no "${name}"`
}

const rows = rowsOf(page)

describe('docs/threat-model.md', () => {
  it('has a row for each attack', () => {
    const sections = rows.map(({ threat }) => /^4\.(\d+) /.exec(threat)?.[1])
    const named = [...new Set(sections.filter(section => section !== undefined))].map(Number)
    expect(named).toEqual([...Array(17).keys()].map(n => n + 1))
    for (const attack of ['Confused deputy', 'Token passthrough', 'SSRF', 'Session hijacking'])
      expect(rows.some(({ threat }) => threat.startsWith(attack))).toBe(true)
    for (const attack of ['Local server compromise', 'Scope minimisation'])
      expect(rows.some(({ threat }) => threat.startsWith(attack))).toBe(true)
  })

  it.each(rows)('cites tests that are there: $threat', ({ stopped_by, shown_by }) => {
    const cited = citations(shown_by)
    expect(cited.map(({ file, names }) => missing(file, names)).filter(Boolean)).toEqual([])
    if (cited.length === 0) expect(stopped_by).toContain('**Not covered**')
  })

  it('quotes no name that is not read', () => {
    for (const { shown_by } of rows) {
      const quoted = shown_by.match(/"[^"]+"/g)?.length ?? 0
      expect(citations(shown_by).flatMap(({ names }) => names)).toHaveLength(quoted)
    }
  })
})

describe('these tests notice', () => {
  const other = 'test/unit/requirements.test.ts'
  const wrong: readonly (readonly [file: string, name: string, problem: string])[] = [
    ['test/unit/not-there.test.ts', 'each have a test', 'there is no test/unit/not-there.test.ts'],
    [other, 'none has a test', 'has no "none has a test"'],
    [other, 'each have a', 'has no "each have a"'],
  ]

  it.each(wrong)('a citation that is wrong: %s %s', (file, name, problem) => {
    expect(missing(file, ['each have a test', name])).toContain(problem)
    expect(missing(other, ['each have a test'])).toBeUndefined()
  })

  it('which names are of which file', () => {
    expect(citations('`test/a.ts`: "one", "two"; `test/b.ts`')).toEqual([
      { file: 'test/a.ts', names: ['one', 'two'] },
      { file: 'test/b.ts', names: [] },
    ])
  })
})
