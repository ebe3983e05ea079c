const loopback_hosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Whether an http URL stays on this machine (RFC 8252 7.3, and `localhost` as every client uses it). */
export function isLoopback(url: URL): boolean {
  return loopback_hosts.has(url.hostname)
}

/** What is wrong with a URL that secrets travel to: https, or http on loopback for development. */
export function endpointProblem(text: string): string | undefined {
  const url = URL.parse(text)
  if (!url) return `"${text}" is not a URL`
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))) return undefined
  return `"${text}" must use https (plain http is for loopback only)`
}

/** What is wrong with a PostgreSQL URL. Never repeats it: it holds a password. */
export function databaseUrlProblem(text: string): string | undefined {
  const url = URL.parse(text)
  return url && /^postgres(?:ql)?:$/.test(url.protocol) && url.hostname !== ''
    ? undefined
    : 'must be postgresql://user:password@host:port/database'
}

/** What is wrong with the gateway's public URL: an origin, written as a browser would write it. */
export function issuerProblem(text: string): string | undefined {
  const problem = endpointProblem(text)
  if (problem) return problem
  const { origin } = new URL(text)
  return origin === text
    ? undefined
    : `"${text}" must be an origin without path or trailing slash: write ${origin}`
}

/**
 * What is wrong with the URL of an OTLP collector. Spans hold no secret, and a collector stands in one's own
 * network, so plain http will do. Never repeats it: somebody may have put a password there.
 */
export function collectorUrlProblem(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = URL.parse(text)
  const plain = url && !url.username && !url.password && !url.search && !url.hash
  return plain && /^https?:$/.test(url.protocol)
    ? undefined
    : 'must be http://host:port or https://host:port, without user, password and query'
}
