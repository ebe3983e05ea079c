import { UsageError } from '../../../../storage/commands/command-store.ts'
import type { PrivateJwk } from './new-key.ts'
import { problemsOf, ring_kinds, type Ring } from './rings.ts'

/*
 * The three steps of a rotation, each followed by a roll of every replica. Whatever a replica makes
 * with one ring, a replica that has the ring of the step before or after can read.
 */

/** The new key comes last: it is known everywhere before anything is made with it. */
export function appendKey(ring: Ring, key: PrivateJwk): Ring {
  if (ring.keys.some(({ kid }) => kid === key.kid))
    throw new UsageError(`There is a key "${key.kid}" in the ring already. Choose another --kid.`)
  return valid({ ...ring, keys: [...ring.keys, key] })
}

/** The key becomes the first: from now on new things are made with it. */
export function promoteKey(ring: Ring, kid: string): Ring {
  const key = keyOf(ring, kid)
  if (key === ring.keys[0]) throw new UsageError(`"${kid}" is the first key already.`)
  return valid({ ...ring, keys: [key, ...ring.keys.filter(other => other !== key)] })
}

/** Takes a key out that nothing needs any more. */
export function removeKey(ring: Ring, kid: string): Ring {
  const key = keyOf(ring, kid)
  if (key === ring.keys[0])
    throw new UsageError(
      `"${kid}" is the first key of ${ring_kinds[ring.name].setting}: new things are made with it. Promote another key first, and roll it out.`,
    )
  return valid({ ...ring, keys: ring.keys.filter(other => other !== key) })
}

function keyOf({ keys }: Ring, kid: string): PrivateJwk {
  const key = keys.find(candidate => candidate.kid === kid)
  if (key) return key
  const known = keys.map(candidate => `"${candidate.kid}"`).join(', ')
  throw new UsageError(`There is no key "${kid}" in the ring, only ${known}.`)
}

function valid(ring: Ring): Ring {
  const problems = problemsOf([ring])
  if (problems.length > 0) throw new UsageError(problems.join('\n'))
  return ring
}
