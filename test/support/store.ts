import { type Database, openDatabase } from '../../storage/database.ts'
import type { Store } from '../../storage/store.ts'
import { createTestDatabase } from './database.ts'
import { testRing } from './key-ring.ts'

export interface TestStore {
  readonly store: Store
  readonly db: Database
  readonly url: string
  close(): Promise<void>
}

/** An empty store of one's own: a migrated database and a fresh key. */
export async function createTestStore(): Promise<TestStore> {
  const database = await createTestDatabase()
  const db = openDatabase(database.url, { max: 20 })
  return {
    store: { db, ring: testRing('test') },
    db,
    url: database.url,
    close: async () => {
      await db.destroy()
      await database.drop()
    },
  }
}
