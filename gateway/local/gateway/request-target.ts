/** Where a request goes, as bytes: one character of these strings is one byte. */
export interface RequestTarget {
  /** As sent, query included: nginx's `request_uri`. */
  readonly raw: string
  readonly raw_path: string
  /** Normalised, what routes are matched against and what goes upstream. */
  readonly path: string
  /** Without the question mark. */
  readonly query: string
}

/**
 * Reads a request target. `undefined` when nginx would answer 400: not a path, a broken or NUL
 * percent-encoding, or dot segments that climb above the root.
 */
export function parseTarget(target: string): RequestTarget | undefined {
  // RFC 9112 3.2.2: the absolute form. nginx drops scheme and authority too.
  const raw = target.replace(/^https?:\/\/[^/?#]*/i, '')
  if (!raw.startsWith('/')) return undefined
  const mark = raw.indexOf('?')
  const raw_path = mark === -1 ? raw : raw.slice(0, mark)
  if (/%(?![0-9a-f]{2})|%00/i.test(raw_path) || climbsOut(raw_path)) return undefined
  const query = mark === -1 ? '' : raw.slice(mark + 1)
  return { raw, raw_path, path: normalizePath(raw_path), query }
}

const RESERVED = new Set("!*'();:@&=+$,/?%#[]")

/**
 * Kong's normal form of a path: percent-encodings of anything but RFC 3986's reserved characters
 * are decoded, the others written in upper case; `.` and `..` resolved; empty segments dropped. An
 * encoded slash stays encoded, so `/mcp%2f` is not `/mcp/`.
 */
export function normalizePath(path: string): string {
  const decoded = path.replace(/%([0-9a-f]{2})/gi, (encoded, hex: string) => {
    const character = String.fromCharCode(parseInt(hex, 16))
    return RESERVED.has(character) ? encoded.toUpperCase() : character
  })
  const kept: string[] = []
  const segments = decoded.split('/').slice(1)
  for (const segment of segments) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(segment)
  }
  const last = segments.at(-1)
  const folder = last === '' || last === '.' || last === '..'
  return kept.length === 0 ? '/' : `/${kept.join('/')}${folder ? '/' : ''}`
}

/** Makes a normalised path fit for a request line: whatever RFC 3986 has no place for is encoded. */
export function escapePath(path: string): string {
  return path.replace(
    /[^!#$&'()*+,/:;=?@[\]A-Za-z0-9\-_.~%]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

function climbsOut(raw_path: string): boolean {
  let depth = 0
  for (const segment of raw_path.replace(/%2f/gi, '/').replace(/%2e/gi, '.').split('/')) {
    if (segment === '..') depth -= 1
    else if (segment !== '' && segment !== '.') depth += 1
    if (depth < 0) return true
  }
  return false
}
