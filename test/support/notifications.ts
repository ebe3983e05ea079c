import pg from 'pg'

const last_word = 'end of test'

/**
 * Runs `work`, and gives what was told on a channel of the database until then, in its order: the
 * payloads, without the time that some of them end with.
 */
export async function toldDuring(
  database_url: string,
  channel: string,
  work: () => Promise<unknown>,
): Promise<string[]> {
  const listener = new pg.Client({ connectionString: database_url })
  const told: string[] = []
  const over = new Promise<void>(resolve => {
    listener.on('notification', ({ payload = '' }) =>
      payload === last_word ? resolve() : told.push(payload.replace(/ \d{13}$/, '')),
    )
  })
  await listener.connect()
  try {
    await listener.query(`listen ${channel}`)
    await work()
    await listener.query('select pg_notify($1, $2)', [channel, last_word])
    await over
  } finally {
    await listener.end()
  }
  return told
}
