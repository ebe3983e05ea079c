import { expect, it } from '@jest/globals'
import { replaceFigures } from '../../../../load/bench/write-up/figures.ts'

const page = `# Page

<!-- figures of floor -->

old floor

<!-- end of floor -->

By hand.

<!-- figures of growth -->
<!-- end of growth -->
`

it('replaces the figures of one part, and nothing else', () => {
  expect(replaceFigures(page, 'floor', '\nnew floor\n\n')).toBe(
    page.replace('old floor', 'new floor'),
  )
  expect(replaceFigures(page, 'growth', 'new')).toBe(
    page.replace('of growth -->\n<!--', 'of growth -->\n\nnew\n\n<!--'),
  )
})

it('gives the same when it is done again', () => {
  const once = replaceFigures(page, 'growth', 'new')
  expect(replaceFigures(once, 'growth', 'new')).toBe(once)
})

it.each([
  ['no place', 'workers', page],
  ['no end', 'floor', page.replace('<!-- end of floor -->', '')],
  ['two places', 'floor', page + page],
])('writes nothing into a page that has %s for them', (_, part, text) => {
  expect(() => replaceFigures(text, part, 'new')).toThrow('the page has no place for figures')
})
