/** What Access-Control-Allow-Origin says to a request's Origin; `undefined` when it says nothing. */
export type OriginMatcher = (origin: string) => string | undefined

interface Origin {
  /** Scheme, host and port, a default port left out. */
  readonly domain: string
  readonly host: string
}

/**
 * Kong's rules: none or `*` is everyone. A single plain origin is always the answer, whoever asks.
 * Otherwise entries are compared one by one, as plain origins or as whole regular expressions; one
 * without a colon is about the host alone.
 */
export function createOriginMatcher(entries: readonly string[]): OriginMatcher {
  const [first] = entries
  if (first === undefined || (entries.length === 1 && first === '*')) return () => '*'
  if (entries.length === 1 && isPlain(first)) return () => first
  const rules = entries.map(createRule)
  return text => {
    if (text === '') return undefined
    const origin = parseOrigin(text)
    for (const rule of rules) {
      const answer = rule(origin)
      if (answer !== undefined) return answer
    }
    return undefined
  }
}

function createRule(entry: string): (origin: Origin) => string | undefined {
  if (entry === '*') return () => '*'
  if (isPlain(entry)) {
    const { domain } = parseOrigin(entry)
    return origin => (origin.domain === domain ? origin.domain : undefined)
  }
  const pattern = originPattern(entry)
  const by_host = !entry.includes(':')
  return origin => (pattern.test(by_host ? origin.host : origin.domain) ? origin.domain : undefined)
}

/** An entry that is not a plain origin, as a regular expression. Throws SyntaxError. */
export function originPattern(entry: string): RegExp {
  return new RegExp(`^(?:${entry.replace(/^\^/, '').replace(/\$$/, '')})$`)
}

function isPlain(entry: string): boolean {
  return /^[A-Za-z0-9.:/-]+$/.test(entry)
}

function parseOrigin(text: string): Origin {
  const parts = /^(?:(\w[\w+.-]*):)?\/\/([^/:]+)(?::(\d+))?/.exec(text)
  if (!parts) return { domain: text, host: text }
  const [, scheme, host = '', port] = parts
  const standard = (scheme === 'http' && port === '80') || (scheme === 'https' && port === '443')
  const domain = `${scheme ? `${scheme}://` : ''}${host}${port && !standard ? `:${port}` : ''}`
  return { domain, host }
}
