/** Seconds: a document that changes is believed no longer than a day, and asked for no more often than this. */
const [least, most] = [300, 86_400] as const

/** How long a document may be remembered, seconds: as its Cache-Control says (RFC 9111), within bounds. */
export function documentLifetime(cache_control: string | undefined): number {
  const directives = (cache_control ?? '').toLowerCase().split(',')
  const named = directives.map(directive => directive.trim())
  if (named.some(name => /^no-(?:store|cache)(?:=|$)/.test(name))) return least
  const max_age = named.flatMap(name => /^max-age="?(\d+)"?$/.exec(name)?.[1] ?? [])
  const seconds = Math.min(...max_age.map(Number))
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, least), most) : least
}
