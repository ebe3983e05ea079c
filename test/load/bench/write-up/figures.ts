const marks = (part: string) => [`<!-- figures of ${part} -->`, `<!-- end of ${part} -->`] as const

/**
 * The page with these figures of a part in the place of those it had, and all else as it was. Throws when the
 * page has no place for them: two comments, `figures of` and `end of` the part.
 */
export function replaceFigures(page: string, part: string, figures: string): string {
  const [begin, end] = marks(part)
  const [before = '', rest, again] = page.split(begin)
  const [, after] = rest?.split(end) ?? []
  if (after === undefined || again !== undefined)
    throw new Error(`the page has no place for figures: ${begin} … ${end}, once`)
  return `${before}${begin}\n\n${figures.trim()}\n\n${end}${after}`
}
