import { randomBytes } from 'node:crypto'
import type { KeyRing, SecretKey } from '../../storage/key-ring.ts'

export const testKey = (kid: string): SecretKey => ({ kid, key: randomBytes(32) })

/** A ring of fresh keys; the first kid seals. */
export const testRing = (...kids: [string, ...string[]]): KeyRing => {
  const [first, ...others] = kids
  return [testKey(first), ...others.map(testKey)]
}
