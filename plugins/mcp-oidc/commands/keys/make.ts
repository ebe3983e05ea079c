import { UsageError } from '../../../../storage/commands/command-store.ts'
import { newKeyId } from './new-key.ts'
import { problemsOf, type Ring, ring_kinds, ring_names, type RingName, ringText } from './rings.ts'
import { writeNewFile } from './source.ts'

export interface Making {
  /** All of them when there is none. */
  readonly rings: readonly RingName[]
  readonly kid: string | undefined
  readonly out: string | undefined
  readonly json: boolean
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** New rings, each of one new key. Gives the exit code. */
export async function makeRings({ rings, kid, out, json, now }: Making): Promise<number> {
  const names = rings.length > 0 ? [...new Set(rings)] : ring_names
  if (kid !== undefined && names.length > 1)
    throw new UsageError('--kid names one key: say which ring it is for, with --ring.')
  const made = names.map((name): Ring => {
    const key = ring_kinds[name].newKey(kid ?? newKeyId(name, now))
    return { name, keys: [key] }
  })
  const problems = problemsOf(made)
  if (problems.length > 0) throw new UsageError(problems.join('\n'))
  const [only] = made
  const text =
    only && made.length === 1
      ? `${ringText(only)}\n`
      : made.map(ring => `${ring_kinds[ring.name].variable}=${ringText(ring)}\n`).join('')
  const told = made.map(({ name, keys }) => ({
    ring: name,
    setting: ring_kinds[name].setting,
    kids: keys.map(key => key.kid),
  }))
  if (out !== undefined) {
    await writeNewFile(out, text)
    for (const ring of told)
      console.log(
        json
          ? JSON.stringify({ ...ring, file: out })
          : `${ring.setting}: "${ring.kids.join()}" is in ${out}`,
      )
  } else if (json)
    for (const [index, ring] of told.entries())
      console.log(JSON.stringify({ ...ring, jwks: { keys: made[index]?.keys } }))
  else process.stdout.write(text)
  return 0
}
