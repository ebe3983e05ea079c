import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** All that IANA gives to networks; what else there is of IPv6 has uses of its own. */
const global_unicast = ipaddr.IPv6.parseCIDR('2000::/3')

/**
 * Whether an address is one of the public internet: plain unicast. Nothing private, local, shared,
 * reserved or meant for documentation, and nothing that carries another address inside (IPv4-mapped,
 * NAT64, 6to4, Teredo), which may lead there.
 */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false
  const parsed = ipaddr.parse(address)
  if (parsed.range() !== 'unicast') return false
  return parsed.kind() === 'ipv4' || parsed.match(global_unicast)
}
