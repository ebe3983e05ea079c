import { openStore, UsageError } from '../../../../storage/commands/command-store.ts'
import { countSealed } from '../../../../storage/count-sealed.ts'
import { newKeyId } from './new-key.ts'
import { problemsOf, type Ring, ring_kinds, ring_names, type RingName, ringText } from './rings.ts'
import { type Source, writeNewFile } from './source.ts'
import { appendKey, promoteKey, removeKey } from './steps.ts'

export type Step = 'append' | 'promote' | 'remove'

export interface Rotation {
  readonly ring: RingName
  readonly step: Step
  /** Undefined for a new key's own name. */
  readonly kid: string | undefined
  readonly write: boolean
  readonly out: string | undefined
  readonly unchecked: boolean
  readonly json: boolean
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** One step of a rotation. Gives the exit code. */
export async function rotateRing(source: Source, rotation: Rotation): Promise<number> {
  const { ring: name, step, write, out, json, now } = rotation
  const { setting, newKey, variable } = ring_kinds[name]
  const ring = source.read(name)
  if (!ring) throw new UsageError(`${variable} is not set. Name a --file or an --env, or set it.`)
  const { kid = newKeyId(name, now) } = rotation
  if (step === 'remove') removeKey(ring, kid)
  if (step === 'remove' && name === 'storage') await checkUnused(source, ring, kid, rotation)
  const next =
    step === 'append'
      ? appendKey(ring, newKey(kid))
      : step === 'promote'
        ? promoteKey(ring, kid)
        : removeKey(ring, kid)
  const others = ring_names.filter(other => other !== name).map(other => source.read(other))
  const problems = problemsOf([next, ...others.filter(other => other !== undefined)])
  if (problems.length > 0) throw new UsageError(problems.join('\n'))

  const kids = next.keys.map(key => key.kid)
  if (write) {
    if (!source.write) throw new UsageError('--write needs to know where: --file or --env.')
    await source.write(next)
  } else if (out !== undefined) await writeNewFile(out, `${ringText(next)}\n`)
  else if (!json) console.log(ringText(next))
  const file = write ? source.place(name) : out
  if (json) {
    const result = file === undefined ? { jwks: { keys: next.keys } } : { file }
    console.log(JSON.stringify({ ring: name, setting, step, kid, kids, ...result }))
  } else {
    console.error(`${setting}: ${kids.map(each => `"${each}"`).join(', ')}. The first is in use.`)
    if (file !== undefined) console.error(`It is in ${file}. Roll it out to every replica.`)
  }
  return 0
}

/** What a removed key sealed or hashed could neither be opened nor found again. */
async function checkUnused(source: Source, ring: Ring, kid: string, rotation: Rotation) {
  if (rotation.unchecked) return
  if (!source.environment['DATABASE_URL'])
    throw new UsageError(
      'DATABASE_URL is not set, so it cannot be seen whether rows depend on the key. Set it, or say --unchecked when you know that none does.',
    )
  const store = openStore({ ...source.environment, STORAGE_KEYS: ringText(ring) })
  try {
    const count = (await countSealed(store.db)).by_kid.get(kid) ?? 0
    if (count > 0)
      throw new UsageError(
        `"${kid}" still seals ${count} values in the database, which would be lost. Run the reseal command first, once every replica has the ring in which another key is the first.`,
      )
  } finally {
    await store.close()
  }
}
