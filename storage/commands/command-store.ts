import { loadEnvFile } from 'node:process'
import { type Database, openDatabase } from '../database.ts'
import { type KeyRing, parseKeyRing } from '../key-ring.ts'
import type { Store } from '../store.ts'

/** What an operator can put right: told without a stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const environment_help = `Environment, the same as Kong's:
  DATABASE_URL   PostgreSQL, postgresql://user:password@host:port/database
  STORAGE_KEYS   the JWKS of storage_keys
  --env F   reads them from a file; npm start writes .data/kong.env`

/** Reads a file of `NAME=value` lines into the environment; what is set already stays. */
export function readEnvFile(file: string | undefined): void {
  if (file === undefined) return
  try {
    loadEnvFile(file)
  } catch (error) {
    throw new UsageError(`--env ${file} cannot be read`, { cause: error })
  }
}

/** The database and keys that the environment names. Throws UsageError with all that is missing or wrong. */
export function openStore(env: NodeJS.ProcessEnv): Store & { close(): Promise<void> } {
  const problems: string[] = []
  const { DATABASE_URL, STORAGE_KEYS } = env
  if (!DATABASE_URL) problems.push('DATABASE_URL is not set')
  else if (!/^postgres(?:ql)?:$/.test(URL.parse(DATABASE_URL)?.protocol ?? ''))
    problems.push('DATABASE_URL is not a postgresql:// URL')
  let ring: KeyRing | undefined
  if (!STORAGE_KEYS) problems.push('STORAGE_KEYS is not set')
  else
    try {
      ring = parseKeyRing(STORAGE_KEYS)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      problems.push(`STORAGE_KEYS: ${error.message}`)
    }
  if (problems.length > 0 || !DATABASE_URL || !ring)
    throw new UsageError(`${problems.join('\n')}\n\n${environment_help}`)
  const db = openDatabase(DATABASE_URL, { application_name: 'mcp-oidc-gateway command', max: 2 })
  return { db, ring, close: () => db.destroy() }
}

/** The database that the environment names, for a command that opens nothing sealed. */
export function openDatabaseOf({ DATABASE_URL }: NodeJS.ProcessEnv): Database {
  if (!DATABASE_URL) throw new UsageError('DATABASE_URL is not set. See --help.')
  if (!/^postgres(?:ql)?:$/.test(URL.parse(DATABASE_URL)?.protocol ?? ''))
    throw new UsageError('DATABASE_URL is not a postgresql:// URL. See --help.')
  return openDatabase(DATABASE_URL, { application_name: 'mcp-oidc-gateway command', max: 1 })
}

/** What an error says, and what its causes say. */
export function messages(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [String(error)]
  const further: readonly unknown[] = error instanceof AggregateError ? error.errors : [error.cause]
  const own = error.message === '' ? [] : [error.message]
  return [...own, ...further.flatMap(cause => (cause === undefined ? [] : messages(cause)))]
}
