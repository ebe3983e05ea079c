import type { Store } from '../../../storage/store.ts'
import type { RealConnection } from './fill.ts'
import { work } from './work.ts'

export type WorkName = keyof typeof work

export interface Filled {
  readonly store: Store
  readonly real: readonly RealConnection[]
}

/** Milliseconds that each took, in each database. */
export type Times = Record<WorkName, readonly number[][]>

/**
 * The databases take turns, so that what else the computer does meets all of them. Every connection is
 * used once before it counts, and is revoked at last.
 */
export async function measure(
  databases: readonly Filled[],
  rounds: Readonly<Record<WorkName, number>>,
): Promise<Times> {
  const none = () => databases.map((): number[] => [])
  const times: Times = { validate: none(), refresh: none(), revoke: none() }
  for (const name of ['validate', 'refresh', 'revoke'] as const)
    for (let round = -warm_up(name); round < rounds[name]; round++)
      for (const [size, { store, real }] of databases.entries()) {
        const connection = real[(round + warm_up(name)) % real.length]
        if (connection === undefined) throw new Error('no connection is real')
        const began = performance.now()
        await work[name](store, connection)
        if (round >= 0) times[name][size]?.push(performance.now() - began)
      }
  return times
}

/** A revocation is measured cold: it happens once. */
const warm_up = (name: WorkName) => (name === 'revoke' ? 0 : 200)
