import { forgetKeys } from '../../../../storage/agree-on-keys.ts'
import { openDatabaseOf } from '../../../../storage/commands/command-store.ts'
import { ring_kinds, type RingName } from './rings.ts'
import type { Source } from './source.ts'

/** Has the database forget which ring the gateways start with. Gives the exit code. */
export async function forgetRing(source: Source, name: RingName, json: boolean): Promise<number> {
  const db = openDatabaseOf(source.environment)
  try {
    const { setting } = ring_kinds[name]
    const forgotten = await forgetKeys(db, setting)
    if (json) console.log(JSON.stringify({ setting, forgotten }))
    else
      console.log(
        forgotten === 0
          ? `Nothing was known of ${setting}.`
          : `Forgotten: the next gateway that starts says what ${setting} is. Restart every replica with the same ring.`,
      )
    return 0
  } finally {
    await db.destroy()
  }
}
