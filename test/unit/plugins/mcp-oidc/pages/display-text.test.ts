import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  displayHost,
  displayName,
  displayText,
} from '../../../../../plugins/mcp-oidc/pages/display-text.ts'

describe('text from strangers', () => {
  it.each([
    ['a right-to-left override', 'Claude\u202Egnp.exe', 'Claudegnp.exe'],
    ['isolates', 'a\u2066b\u2067c\u2068d\u2069e', 'abcde'],
    ['direction marks', 'a\u200Eb\u200Fc\u061Cd', 'abcd'],
    ['zero-width characters', 'Cl\u200Bau\u200Cd\u200De\u2060\uFEFF', 'Claude'],
    ['a soft hyphen', 'Clau\u00ADde', 'Claude'],
    ['fillers that look like nothing', '\u3164\u115F\uFFA0\u2800Claude', 'Claude'],
    ['tag characters', 'Claude\u{E0041}\u{E007F}', 'Claude'],
    ['control characters', 'Clau\u0000\u0007\u001Bde', 'Clau de'],
    ['line and paragraph breaks', ' a\r\nb\u2028c\u2029d\u0085e ', 'a b c d e'],
    ['wide blanks', 'a\u3000\u00A0\u2003b', 'a b'],
    ['half a surrogate pair', 'a\uD83Db', 'ab'],
    ['private use', 'a\uE000b', 'ab'],
    ['a stack of accents', `e${'\u0323'.repeat(40)}`, '\u1EB9\u0323\u0323\u0323'],
  ])('A07 loses %s', (_what, hostile, plain) => {
    expect(displayName(hostile)).toBe(plain)
    expect(displayText(hostile)).toBe(plain)
    expect(displayHost(hostile)).toBe(plain)
  })

  it.each(['Zoë’s Büro', 'שלום', 'クロード', 'हिन्दी', '🤖 Agent'])('A07 keeps %s', name => {
    expect(displayName(name)).toBe(name.normalize('NFC'))
  })

  it('A07 never holds an invisible or directional character, whatever it is given', () => {
    const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}]/u
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), text => {
        for (const shown of [displayName(text), displayHost(text), displayText(text)])
          expect(shown).not.toMatch(invisible)
      }),
    )
  })
})

describe('lengths', () => {
  it('A07 cuts a name of 300 characters to 60 and says so', () => {
    const shown = displayName('Assistant '.repeat(30))
    expect(shown).toHaveLength(60)
    expect(shown.endsWith('…')).toBe(true)
    expect(displayName('x'.repeat(60))).toBe('x'.repeat(60))
  })

  it('A07 counts characters as people see them and cuts none in two', () => {
    expect(displayName('🇫🇷'.repeat(61))).toBe(`${'🇫🇷'.repeat(59)}…`)
  })

  it('A07 has a word for a name that nothing is left of', () => {
    expect(displayName('\u200B\u202E \u3164')).toBe('An app without a name')
  })

  it('A07 never cuts off the end of a host: it says who owns it', () => {
    for (const length of [300, 5000]) {
      const shown = displayHost(`accounts.bank.example.${'a'.repeat(length)}.evil.example`)
      expect(shown).toHaveLength(253)
      expect(shown).toMatch(/^….*\.evil\.example$/)
    }
  })

  it('takes a megabyte without complaint', () => {
    expect(displayText('e\u0301'.repeat(500_000))).toHaveLength(600)
  })
})
