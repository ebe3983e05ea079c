import { randomUUID } from 'node:crypto'
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { UsageError } from '../../../../storage/commands/command-store.ts'
import { readRing, type Ring, ring_kinds, type RingName, ringText } from './rings.ts'

/** Where an operator keeps rings: one in a file of its own, or all in Kong's environment. */
export interface Source {
  /** Undefined when there is no such ring there. Throws UsageError when it is none. */
  read(name: RingName): Ring | undefined
  /** Database and rings, as {@link openStore} wants them. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Puts the ring back where it was read from. Undefined when that cannot be: from a process. */
  readonly write: ((ring: Ring) => Promise<void>) | undefined
  /** For people: where it is. */
  readonly place: (name: RingName) => string
}

export interface SourceOptions {
  /** A JWKS, the ring that is named. */
  readonly file: string | undefined
  /** Lines of `NAME=value`. */
  readonly env: string | undefined
  readonly environment: NodeJS.ProcessEnv
}

/** Throws UsageError when a file cannot be read, or says another thing than the environment. */
export async function openSource(
  { file, env, environment }: SourceOptions,
  of: RingName | undefined,
): Promise<Source> {
  const text = env === undefined ? undefined : await read('--env', env)
  const from_file = text === undefined ? {} : parseEnv(text)
  for (const { variable } of Object.values(ring_kinds))
    if (
      from_file[variable] !== undefined &&
      (environment[variable] ?? from_file[variable]) !== from_file[variable]
    )
      throw new UsageError(
        `${variable} is set in the environment and, to another value, in ${env ?? ''}. Unset one of them.`,
      )
  const all = { ...from_file, ...environment }
  const ring_file = file === undefined ? undefined : await read('--file', file)
  return {
    environment: all,
    read(name) {
      if (ring_file !== undefined && name === of) return readRing(name, ring_file, String(file))
      const value = all[ring_kinds[name].variable]
      return value ? readRing(name, value, ring_kinds[name].variable) : undefined
    },
    write:
      file !== undefined
        ? ring => replaceFile(file, `${ringText(ring)}\n`)
        : env !== undefined && text !== undefined
          ? ring => replaceFile(env, withValue(text, ring, env))
          : undefined,
    place: name =>
      file !== undefined && name === of
        ? file
        : `${ring_kinds[name].variable}${env === undefined ? '' : ` in ${env}`}`,
  }
}

/** A file that only its owner reads, and that is not there yet. Throws UsageError when it is. */
export async function writeNewFile(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    throw new UsageError(`--out ${file} cannot be written: ${codeOf(error)}`)
  }
}

/** The file with another value in the line of the ring's variable. */
function withValue(text: string, ring: Ring, file: string): string {
  const { variable } = ring_kinds[ring.name]
  const lines = text.split('\n')
  const own = lines.flatMap((line, index) =>
    new RegExp(`^\\s*(?:export\\s+)?${variable}\\s*=`).test(line) ? [index] : [],
  )
  const [at, ...others] = own
  if (at === undefined || others.length > 0)
    throw new UsageError(`${file} should have ${variable} on one line, and it has ${own.length}.`)
  const quote = /=\s*'/.test(lines[at] ?? '') ? "'" : ''
  const begin = /^\s*export\s/.test(lines[at] ?? '') ? 'export ' : ''
  lines[at] = `${begin}${variable}=${quote}${ringText(ring)}${quote}`
  const changed = lines.join('\n')
  const before: Record<string, string | undefined> = parseEnv(text)
  const after: Record<string, string | undefined> = parseEnv(changed)
  const expected = { ...before, [variable]: ringText(ring) }
  if (JSON.stringify(after) !== JSON.stringify(expected))
    throw new UsageError(
      `${variable} cannot be replaced in ${file} without changing something else. Do it by hand.`,
    )
  return changed
}

/** Whole or not at all: a half-written ring would be lost keys. Mode 0600, or what is narrower. */
async function replaceFile(file: string, text: string): Promise<void> {
  const draft = `${file}.${randomUUID()}`
  try {
    const { mode } = await stat(file)
    await writeFile(draft, text, { mode: mode & 0o600, flag: 'wx' })
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true })
    throw new UsageError(`${file} cannot be written: ${codeOf(error)}`)
  }
}

async function read(option: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new UsageError(`${option} ${file} cannot be read: ${codeOf(error)}`)
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
