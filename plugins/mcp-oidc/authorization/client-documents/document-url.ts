import { isIP } from 'node:net'
import { type HostRules, isPrivate } from './host-rules.ts'

const longest = 1024

/** Whether a client id is meant as the URL of a metadata document. */
export function isDocumentUrl(client_id: string): boolean {
  return /^https:/i.test(client_id)
}

/**
 * What is wrong with a URL that we would fetch, or `undefined`. It must be written the way it is
 * parsed, to the byte: no other way to write a host or an address is left. A port or an address of
 * our own network takes the operator's word.
 */
export function documentUrlProblem(
  text: string,
  rules: Pick<HostRules, 'private'>,
): string | undefined {
  if (text.length > longest) return `its address is longer than ${longest} characters`
  if (!/^[\x21-\x7E]+$/.test(text) || /[\\"<>^`{|}]/.test(text))
    return 'its address holds characters that do not belong in a URL'
  if (!text.startsWith('https://')) return 'its address does not begin with https://'
  if (text.includes('#')) return 'its address has a fragment'
  const url = URL.parse(text)
  if (!url) return 'its address is not a URL'
  if (url.username !== '' || url.password !== '' || /^https:\/\/[^/?]*@/.test(text))
    return 'its address holds user information'
  if (url.href !== text && url.href !== `${text}/`) return 'its address is not in canonical form'
  if (/%2e|%2f|%5c/i.test(url.pathname)) return 'its address hides a dot or a slash in an escape'
  return hostProblem(url, rules)
}

function hostProblem(url: URL, rules: Pick<HostRules, 'private'>): string | undefined {
  const { hostname } = url
  if (isIP(hostname) !== 0 || hostname.startsWith('['))
    return 'its address names a network address in place of a host'
  if (hostname.endsWith('.')) return 'its host ends in a dot'
  if (isPrivate(url, rules)) return undefined
  if (url.port !== '') return 'its address names a port'
  return hostname.includes('.') ? undefined : 'its host is not a public name'
}

/** As {@link documentUrlProblem}, for a client id: that has a path too (a host is no client). */
export function clientIdUrlProblem(
  client_id: string,
  rules: Pick<HostRules, 'private'>,
): string | undefined {
  const problem = documentUrlProblem(client_id, rules)
  if (problem !== undefined) return problem
  return new URL(client_id).pathname === '/' ? 'its address has no path' : undefined
}
