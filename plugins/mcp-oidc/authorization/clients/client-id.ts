import { createHash } from 'node:crypto'
import { withoutLoopbackPort } from '../redirect-uri.ts'

/**
 * The id of a public client, made from what it says about itself: whoever registers the same again
 * gets the same id, from every replica, also when the registration has expired meanwhile. Clients
 * choose a new loopback port for every login, so that counts as little as the order of a list.
 */
export function publicClientId(metadata: Readonly<Record<string, unknown>>): string {
  const said = Object.entries(metadata)
    .map(([name, value]) => [name, canonical(value)] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1))
  return `dcr_${createHash('sha256').update(JSON.stringify(said)).digest('base64url')}`
}

function canonical(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  const portless = value.map((item: unknown) =>
    typeof item === 'string' ? (withoutLoopbackPort(item) ?? item) : item,
  )
  return [...new Set(portless)].sort()
}
