import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { requirements } from '../requirements.ts'

const root = join(import.meta.dirname, '..')
const known: readonly string[] = [...requirements.built, ...requirements.begun]

/** Ids at the beginning of a test's name: `'G02 G04 removes …'`. */
function cited(source: string): readonly string[] {
  return [...source.matchAll(/['"`]((?:[A-Z]\d{2} )+)/g)].flatMap(([, ids = '']) =>
    ids.trim().split(' '),
  )
}

const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  file => file.endsWith('.test.ts') && file !== join('unit', 'requirements.test.ts'),
)
const ids = new Set(files.flatMap(file => cited(readFileSync(join(root, file), 'utf8'))))

describe('the requirements', () => {
  it('each have a test', () => {
    expect(known.filter(id => !ids.has(id))).toEqual([])
  })

  it('are known wherever a test cites one', () => {
    expect([...ids].filter(id => !known.includes(id))).toEqual([])
  })

  it('stand in one list, once', () => {
    expect(known.filter((id, index) => known.indexOf(id) !== index)).toEqual([])
  })

  it('are found at the beginning of a name, several of them too', () => {
    expect(
      cited(
        `it('Z01 Z02 does it', () => {}); describe("Z03 x", f); it.each([['a']])(\`Z04 %s\`, g); it('says Z05')`,
      ),
    ).toEqual(['Z01', 'Z02', 'Z03', 'Z04'])
  })
})
