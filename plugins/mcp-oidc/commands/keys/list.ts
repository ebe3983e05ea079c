import { openStore } from '../../../../storage/commands/command-store.ts'
import { countSealed, type SealedCounts } from '../../../../storage/count-sealed.ts'
import { type Ring, type RingName, ringText } from './rings.ts'
import type { Source } from './source.ts'

interface ListedKey {
  readonly ring: RingName
  readonly kid: string
  /** In use, or known only; missing when rows need it and no ring has it. */
  readonly use: 'first' | 'further' | 'missing'
  /** How many values it seals. Null when there is no database to ask, or for other rings. */
  readonly seals: number | null
}

/** Gives the exit code: 1 when there are rows that no key of the ring opens. */
export async function listRings(
  source: Source,
  names: readonly RingName[],
  json: boolean,
): Promise<number> {
  const found = names.map(name => ({ name, ring: source.read(name) }))
  const storage = found.find(({ name }) => name === 'storage')?.ring
  const counts = storage && (await countIn(source, storage))
  const keys = found.flatMap(({ ring }) => (ring ? listed(ring, counts) : []))
  for (const key of keys) if (json) console.log(JSON.stringify(key))
  if (!json) {
    console.log(row('RING', 'KID', 'USE', 'SEALS'))
    for (const { ring, kid, use, seals } of keys)
      console.log(row(ring, kid, use, seals === null ? '-' : String(seals)))
  }
  for (const { name, ring } of found) if (!ring) console.error(`${source.place(name)} is not set.`)
  if (storage && !counts) console.error('DATABASE_URL is not set: what the keys seal is not known.')
  const missing = keys.filter(({ use }) => use === 'missing')
  for (const { kid, seals } of missing)
    console.error(
      `${seals ?? 0} values are sealed with "${printable(kid)}", which is not in storage_keys: put it back, or they are lost.`,
    )
  if (counts && counts.malformed > 0)
    console.error(`${counts.malformed} values are not sealed in a form that is known.`)
  return missing.length > 0 || (counts?.malformed ?? 0) > 0 || keys.length === 0 ? 1 : 0
}

async function countIn(source: Source, storage: Ring): Promise<SealedCounts | undefined> {
  if (!source.environment['DATABASE_URL']) return undefined
  const store = openStore({ ...source.environment, STORAGE_KEYS: ringText(storage) })
  try {
    return await countSealed(store.db)
  } finally {
    await store.close()
  }
}

function listed({ name, keys }: Ring, counts: SealedCounts | undefined): readonly ListedKey[] {
  const sealing = name === 'storage' ? counts?.by_kid : undefined
  const known = keys.map(({ kid }, index): ListedKey => ({
    ring: name,
    kid,
    use: index === 0 ? 'first' : 'further',
    seals: sealing ? (sealing.get(kid) ?? 0) : null,
  }))
  const missing = [...(sealing ?? [])]
    .filter(([kid]) => !keys.some(key => key.kid === kid))
    .map(([kid, seals]): ListedKey => ({ ring: name, kid, use: 'missing', seals }))
  return [...known, ...missing]
}

function row(ring: string, kid: string, use: string, seals: string): string {
  const texts = [ring.padEnd(9), printable(kid).padEnd(42), use.padEnd(9), seals]
  return texts.join('').trimEnd()
}

/** A kid in the database is whatever somebody wrote there. */
function printable(kid: string): string {
  return kid.replaceAll(/[^\x20-\x7E]/g, '?')
}
