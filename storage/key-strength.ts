/** Of 32 random bytes about 30 differ from each other; fewer than this is no accident. */
const LEAST_DIFFERENT = 16
const LONGEST_PERIOD = 16

/**
 * What shows that a 256-bit key was not made at random, or undefined. A random key is refused once
 * in 10^12 times at most. That a key looks random does not make it one: what a program derived from
 * a password passes.
 */
export function keyWeakness(key: Uint8Array): string | undefined {
  if (key.every(byte => byte === key[0])) return 'one byte repeated'
  if (repeats(key)) return 'a few bytes repeated'
  if (key.every((byte, index) => byte === next(key, index))) return 'bytes that count'
  if (key.every(byte => byte >= 0x20 && byte <= 0x7e)) return 'readable text'
  if (new Set(key).size < LEAST_DIFFERENT) return 'made of a few bytes only'
  return undefined
}

function repeats(key: Uint8Array): boolean {
  return Array.from({ length: LONGEST_PERIOD }, (_, index) => index + 1).some(period =>
    key.subarray(period).every((byte, index) => byte === key[index]),
  )
}

/** The byte at `index`, were each as far from the one before as the second is from the first. */
function next([first = 0, second = 0]: Uint8Array, index: number): number {
  return (((first + index * (second - first)) % 256) + 256) % 256
}
