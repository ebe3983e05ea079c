import { Client } from 'pg'

/** How long PostgreSQL may take to answer, milliseconds. */
const PATIENCE = 5_000

/**
 * Asks the PostgreSQL that a plugin's `database_url` names, if it has one: a plugin would find out
 * with its first request only. Says where it is and what to do, and never repeats the URL, which
 * holds a password.
 */
export async function databaseProblem(
  config: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
  const { database_url } = config
  if (typeof database_url !== 'string' || !/^postgres(ql)?:/.test(database_url)) return undefined
  const url = URL.parse(database_url)
  if (!url) return undefined
  const client = new Client({ connectionString: database_url, connectionTimeoutMillis: PATIENCE })
  // A connection that breaks later is none of this question.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return undefined
  } catch (error) {
    const reason = describe(error)
    return `config.database_url: PostgreSQL at ${url.host} does not answer (${reason}): start it, or correct the URL`
  } finally {
    await client.end()
  }
}

function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join(', ')
  return error instanceof Error ? error.message : String(error)
}
