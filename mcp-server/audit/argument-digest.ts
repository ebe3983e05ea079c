import { createHash } from 'node:crypto'

/** Arguments nested deeper than this are nobody's, and recursion has to end somewhere. */
const MAX_DEPTH = 64

/**
 * SHA-256, in hexadecimal, of a tool's arguments in canonical JSON (RFC 8785), so that the same
 * arguments have the same digest however a client orders them. No arguments count as `{}`.
 *
 * Throws RangeError for arguments nested more than 64 deep.
 */
export function argumentDigest(value: unknown): string {
  return createHash('sha256')
    .update(canonicalJson(value ?? {}, 0))
    .digest('hex')
}

function canonicalJson(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw new RangeError('nested too deeply')
  if (Array.isArray(value)) {
    return `[${value.map(item => canonicalJson(item, depth + 1)).join(',')}]`
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member, depth + 1)}`)
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value)
}
