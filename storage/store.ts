import type { Database } from './database.ts'
import type { KeyRing } from './key-ring.ts'

/** A database and the keys that open its sealed columns. */
export interface Store {
  readonly db: Database
  readonly ring: KeyRing
}
