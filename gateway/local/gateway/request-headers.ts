import type { Headers } from '../../plugin-server/pdk.ts'
import type { HeaderLines } from './header-lines.ts'

/** How many header lines Kong reads when nobody says otherwise (`lua_max_req_headers`). */
const DEFAULT_LIMIT = 100

/**
 * `kong.request.get_header`: the first value. Kong asks nginx for the variable `http_<name>`, in
 * which `_` and `-` are the same, so `X_User_Id` answers for `x-user-id`. Only when that value
 * looks like several it reads the first hundred lines instead, by the name alone.
 */
export function getRequestHeader(headers: HeaderLines, name: string): string | undefined {
  const variable = asVariable(name)
  const values = headers.lines
    .filter(([spelling]) => asVariable(spelling) === variable)
    .map(([, value]) => value)
  if (values.length === 0) return undefined
  const joined = values.join(', ')
  if (!joined.includes(', ')) return joined
  const listed = getRequestHeaders(headers, DEFAULT_LIMIT)
  const value = listed[name] ?? listed[name.toLowerCase().replaceAll('_', '-')]
  return typeof value === 'string' ? value : value?.[0]
}

/** `kong.request.get_headers`: the first `limit` lines, names in lower case, a list for several. */
export function getRequestHeaders(headers: HeaderLines, limit: number): Headers {
  const listed = new Map<string, string | string[]>()
  for (const [spelling, value] of headers.lines.slice(0, limit)) {
    const name = spelling.toLowerCase()
    const before = listed.get(name)
    if (before === undefined) listed.set(name, value)
    else if (typeof before === 'string') listed.set(name, [before, value])
    else before.push(value)
  }
  return Object.fromEntries(listed)
}

/** Headers that nginx takes once: a second line is a bad request. */
const SINGLE = [
  'host',
  'authorization',
  'content-length',
  'content-type',
  'content-range',
  'transfer-encoding',
  'expect',
  'range',
  'if-range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
]

/** The name of a header that was sent twice though nginx takes it once. */
export function repeatedHeader(headers: HeaderLines): string | undefined {
  return SINGLE.find(name => headers.values(name).length > 1)
}

function asVariable(name: string): string {
  return name.toLowerCase().replaceAll('-', '_')
}
