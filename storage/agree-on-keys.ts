import { sql } from 'kysely'
import type { Database } from './database.ts'
import type { KeyMark, RingMarks, RingSetting } from './key-mark.ts'

/** The rings are not those of the gateways that used the database before. */
export class KeysDiffer extends Error {
  override readonly name = 'KeysDiffer'
  constructor(problems: readonly string[]) {
    super(
      `the keys are not those of the other replicas: ${problems.join('; ')}. ` +
        'Give every replica the same rings, or rings that are one step of a rotation apart (docs/keys.md)',
    )
  }
}

/**
 * Compares the rings with those that the last gateway of this issuer started with, and puts them in
 * their place. Each ring must hold the key that the others seal or sign with, the same under the
 * same name: so two rings that are one step of a rotation apart agree, and strangers do not.
 *
 * Throws {@link KeysDiffer} with every ring that does not, and nothing is written then.
 */
export async function agreeOnKeys(db: Database, issuer: string, rings: RingMarks): Promise<void> {
  await db.transaction().execute(async transaction => {
    // One at a time, also when there is no row to lock yet.
    await sql`select pg_advisory_xact_lock(hashtext(${`key_rings ${issuer}`}))`.execute(transaction)
    const rows = await transaction
      .selectFrom('key_rings')
      .select(['ring', 'keys'])
      .where('issuer', '=', issuer)
      .execute()
    const problems = rows.flatMap(({ ring, keys }) => differences(ring, rings[ring], keys))
    if (problems.length > 0) throw new KeysDiffer(problems)
    for (const [ring, keys] of Object.entries(rings) as [RingSetting, readonly KeyMark[]][])
      await transaction
        .insertInto('key_rings')
        .values({ issuer, ring, keys: JSON.stringify(keys) })
        .onConflict(conflict =>
          conflict
            .columns(['issuer', 'ring'])
            .doUpdateSet({ keys: JSON.stringify(keys), written_at: sql`now()` }),
        )
        .execute()
  })
}

function differences(
  ring: RingSetting,
  own: readonly KeyMark[],
  others: readonly KeyMark[],
): readonly string[] {
  const changed = own.find(({ kid, fingerprint }) =>
    others.some(other => other.kid === kid && other.fingerprint !== fingerprint),
  )
  if (changed) return [`${ring}: "${changed.kid}" is another key there`]
  const [first] = others
  return first === undefined || own.some(({ kid }) => kid === first.kid)
    ? []
    : [`${ring}: lacks "${first.kid}", which they use`]
}

/** Has the next gateway that starts be the first one, for a ring. Gives how many issuers had one. */
export async function forgetKeys(db: Database, ring: RingSetting): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('key_rings')
    .where('ring', '=', ring)
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}
