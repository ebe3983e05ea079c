import { openStore, UsageError } from '../../../../storage/commands/command-store.ts'
import { countSealed } from '../../../../storage/count-sealed.ts'
import { reseal, type Resealed } from '../../../../storage/reseal.ts'
import { ringText } from './rings.ts'
import type { Source } from './source.ts'

export interface Resealing {
  readonly json: boolean
  /** Ends it after the row under way. */
  readonly signal: AbortSignal
}

/**
 * Gives the exit code: 0 only when every value in the database is sealed with the first key. What
 * could not be opened is named on standard output as it is met.
 */
export async function resealRows(source: Source, { json, signal }: Resealing): Promise<number> {
  const ring = source.read('storage')
  if (!ring) throw new UsageError('STORAGE_KEYS is not set. Name a --file or an --env, or set it.')
  const store = openStore({ ...source.environment, STORAGE_KEYS: ringText(ring) })
  const first = store.ring[0].kid
  const remaining = async () => {
    const { by_kid, malformed } = await countSealed(store.db)
    return [...by_kid].reduce((sum, [kid, count]) => sum + (kid === first ? 0 : count), malformed)
  }
  try {
    const total = await remaining()
    const done = await reseal(store, {
      signal,
      progress: so_far => {
        if (!json && total > 0) console.error(`${lookedAt(so_far)} of ${total}`)
      },
      unopened: ({ name, code, message }) =>
        console.log(
          json ? JSON.stringify({ unopened: name, code, message }) : `not opened: ${message}`,
        ),
    })
    const left = await remaining()
    const interrupted = signal.aborted
    if (json) console.log(JSON.stringify({ first, ...done, left, interrupted }))
    else {
      console.log(`${done.resealed} values are sealed with "${first}" now; ${left} are not.`)
      if (interrupted) console.error('It was interrupted. Run it again for the rest.')
      else if (left > done.unopened)
        console.error(
          'Some came in meanwhile. Is another key the first at some replica? Run it again.',
        )
      if (done.unopened > 0)
        console.error('What does not open stays as it is: see docs/keys.md for what to do.')
    }
    return left === 0 && !interrupted ? 0 : 1
  } finally {
    await store.close()
  }
}

function lookedAt({ resealed, overtaken, unopened }: Resealed): number {
  return resealed + overtaken + unopened
}
