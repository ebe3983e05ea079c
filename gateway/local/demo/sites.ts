export type FetchSite = 'none' | 'same-origin' | 'same-site' | 'cross-site'

/**
 * The `Sec-Fetch-Site` of a navigation (Fetch Metadata 2.3): judged over every URL of its redirect
 * chain, so one foreign hop makes it cross-site. Without an initiator a person typed the address.
 */
export function fetchSite(initiator: string | undefined, chain: readonly URL[]): FetchSite {
  if (initiator === undefined) return 'none'
  const from = new URL(initiator)
  if (chain.some(url => !isSameSite(from, url))) return 'cross-site'
  return chain.every(url => url.origin === from.origin) ? 'same-origin' : 'same-site'
}

/**
 * Schemeful same-site. Ports do not count. Without the public suffix list, the last two labels
 * stand for the registrable domain, which is right for the names used in development and tests.
 */
export function isSameSite(a: URL, b: URL): boolean {
  return a.protocol === b.protocol && registrable(a.hostname) === registrable(b.hostname)
}

function registrable(hostname: string): string {
  if (hostname.startsWith('[') || /^[\d.]+$/.test(hostname)) return hostname
  return hostname.split('.').slice(-2).join('.')
}
