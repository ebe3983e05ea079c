export interface Tag {
  /** Lower case; closing tags begin with `/`. */
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  /** What follows the tag up to the next one, entities decoded. */
  readonly text: string
}

const tag = /<!--[\s\S]*?-->|<(\/?[a-z][^\s/>]*)((?:"[^"]*"|'[^']*'|[^"'>])*)>([^<]*)/gi
const attribute = /([^\s=/"'<>]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g
const raw = /<(script|style)\b[\s\S]*?<\/\1\s*>/gi

/**
 * Reads HTML as the flat list of its tags: enough to find forms and sentences in pages of ours and
 * of identity providers. It is no HTML parser, and what runs scripts is not seen.
 */
export function readTags(html: string): readonly Tag[] {
  const tags: Tag[] = []
  for (const [, name, attributes = '', text = ''] of html.replace(raw, '').matchAll(tag))
    if (name !== undefined)
      tags.push({
        name: name.toLowerCase(),
        attributes: readAttributes(attributes),
        text: decode(text),
      })
  return tags
}

/** The text inside the first element that `matches`, whitespace collapsed; undefined without one. */
export function textOf(tags: readonly Tag[], matches: (tag: Tag) => boolean): string | undefined {
  const start = tags.findIndex(matches)
  const first = tags[start]
  if (!first) return undefined
  let depth = 0
  let text = ''
  for (const { name, text: piece } of tags.slice(start)) {
    if (name === first.name) depth++
    if (name === `/${first.name}` && --depth === 0) break
    text += piece
  }
  return text.replace(/\s+/g, ' ').trim()
}

const named: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
}

/** Character references: the numeric ones, and the names HTML cannot do without. */
export function decode(text: string): string {
  return text.replace(/&(?:#x([\da-f]+)|#(\d+)|([a-z]+));/gi, (whole, hex, decimal, name) => {
    if (typeof name === 'string') return named[name.toLowerCase()] ?? whole
    const code = typeof hex === 'string' ? parseInt(hex, 16) : Number(decimal)
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'
  })
}

function readAttributes(text: string): Readonly<Record<string, string>> {
  const attributes: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [, name = '', double, single, bare] of text.matchAll(attribute))
    attributes[name.toLowerCase()] ??= decode(double ?? single ?? bare ?? '')
  return attributes
}
