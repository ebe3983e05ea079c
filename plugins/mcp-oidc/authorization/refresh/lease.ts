import { randomInt, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ConnectionLease,
  releaseLease,
  renewLease,
  takeLease,
} from '../../../../storage/connection-lease.ts'
import type { Store } from '../../../../storage/store.ts'

/** How long the others wait for a holder that was killed, seconds. One that lives renews it. */
const lease_seconds = 4
const renewal_interval = 1_000
/** Longer than a lease, and than the identity provider is waited for. Milliseconds. */
const longest_wait = 15_000
const shortest_pause = 20
const longest_pause = 200

/** Somebody else was refreshing the connection for as long as we waited. */
export class LeaseTimeout extends Error {
  override readonly name = 'LeaseTimeout'
}

export type Attempt<T> =
  | { readonly done: T }
  | { readonly needs_lease: string }
  /** Somebody else was faster: what they did may be all that is needed. */
  | 'overtaken'

/**
 * Tries without a lease first, and again whenever somebody else holds it or was faster: what they do
 * may be all that this caller needs. `attempt` gives the connection whose lease it cannot do without; under
 * the lease it is asked once more. Waiting holds no database connection.
 *
 * @throws LeaseTimeout
 */
export async function underLease<T>(
  store: Pick<Store, 'db'>,
  attempt: (lease: ConnectionLease | undefined) => Promise<Attempt<T>>,
): Promise<T> {
  const holder = randomUUID()
  const until = performance.now() + longest_wait
  for (let pause = shortest_pause; ; pause = Math.min(pause * 1.5, longest_pause)) {
    const first = await attempt(undefined)
    const last =
      first !== 'overtaken' && 'needs_lease' in first
        ? await withLease(store, { connection_id: first.needs_lease, holder }, attempt)
        : first
    if (last !== 'overtaken' && 'done' in last) return last.done
    if (performance.now() > until) throw new LeaseTimeout('it is being refreshed elsewhere')
    await sleep(pause + randomInt(shortest_pause))
  }
}

/** Somebody else may hold it, and then nothing is attempted. */
async function withLease<T>(
  store: Pick<Store, 'db'>,
  lease: ConnectionLease,
  attempt: (lease: ConnectionLease) => Promise<Attempt<T>>,
): Promise<Attempt<T>> {
  if (!(await takeLease(store, lease, lease_seconds))) return 'overtaken'
  return renewed(store, lease, () => attempt(lease))
}

/** Keeps the lease while the work lasts. One that could not be renewed lets nothing be written. */
async function renewed<T>(
  store: Pick<Store, 'db'>,
  lease: ConnectionLease,
  work: () => Promise<T>,
): Promise<T> {
  const renewal = setInterval(
    () => void renewLease(store, lease, lease_seconds).catch(() => undefined),
    renewal_interval,
  )
  try {
    return await work()
  } finally {
    clearInterval(renewal)
    await releaseLease(store, lease)
  }
}
