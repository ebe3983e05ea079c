import { randomBytes } from 'node:crypto'
import pg from 'pg'

/** PostgreSQL's notifications do not get through: something between pools by transaction. */
export class PoolerError extends Error {
  override readonly name = 'PoolerError'

  constructor() {
    super(
      'database_url leads to a connection pooler in transaction mode, through which notifications ' +
        'of ended connections do not arrive; give the address of PostgreSQL itself, or that of a ' +
        'pooler in session mode',
    )
  }
}

export interface SessionOptions {
  readonly url: string
  readonly application_name: string
  readonly channels: readonly string[]
  readonly on_notification: (channel: string, payload: string) => void
  /** Called once, when the session is over, however that came. */
  readonly on_end: (error: Error) => void
}

/** A database session that listens. */
export interface NotificationSession {
  /**
   * Asks whether this session still listens. Gives the database's clock, milliseconds since the
   * epoch. Rejects when it does not, or not within the time.
   */
  probe(): Promise<number>
  /** Rejects with PoolerError when notifications of other sessions do not arrive here. */
  checkDelivery(): Promise<void>
  close(): Promise<void>
}

/** Milliseconds for connecting, and for an answer. */
const patience = 3_000
/** Milliseconds a notification may take once it was committed and the session has answered since. */
const delivery = 2_000

/** Connects and listens. Nobody else uses this session: `LISTEN` belongs to it. */
export async function openNotificationSession(
  options: SessionOptions,
): Promise<NotificationSession> {
  const client = connectionTo(options)
  const heard = new Map<string, () => void>()
  let over = false
  const end = (error: Error) => {
    if (over) return
    over = true
    options.on_end(error)
  }
  client.on('notification', ({ channel, payload = '' }) => {
    const waiting = heard.get(channel)
    if (waiting) waiting()
    else options.on_notification(channel, payload)
  })
  client.on('error', end)
  client.on('end', () => end(new Error('the database session has ended')))
  try {
    await client.connect()
    for (const channel of options.channels)
      await client.query(`listen ${client.escapeIdentifier(channel)}`)
  } catch (error) {
    over = true
    await client.end().catch(() => undefined)
    throw error
  }

  async function probe(): Promise<number> {
    const { rows } = await client.query<{ channels: number; clock: number }>(
      `select (select count(*) from pg_listening_channels())::int as channels,
        extract(epoch from clock_timestamp())::float8 * 1000 as clock`,
    )
    const [answer] = rows
    if (!answer || answer.channels < options.channels.length) throw new PoolerError()
    return answer.clock
  }

  async function checkDelivery(): Promise<void> {
    const channel = `delivery_${randomBytes(8).toString('hex')}`
    const arrived = new Promise<void>(resolve => heard.set(channel, resolve))
    await client.query(`listen ${client.escapeIdentifier(channel)}`)
    const other = connectionTo(options)
    other.on('error', () => undefined)
    try {
      await other.connect()
      // Within a transaction a pooler has a session of ours for the other, and another one for us.
      await other.query('begin')
      await other.query('select pg_notify($1, $2)', [channel, ''])
      await probe()
      await other.query('commit')
    } finally {
      await other.end().catch(() => undefined)
    }
    await probe()
    const timer = new AbortController()
    const late = new Promise<void>((_, reject) => {
      const timeout = setTimeout(() => reject(new PoolerError()), delivery)
      timer.signal.addEventListener('abort', () => clearTimeout(timeout))
    })
    try {
      await Promise.race([arrived, late])
    } finally {
      timer.abort()
      heard.delete(channel)
    }
    await client.query(`unlisten ${client.escapeIdentifier(channel)}`)
  }

  return {
    probe,
    checkDelivery,
    async close() {
      over = true
      await client.end().catch(() => undefined)
    },
  }
}

function connectionTo({ url, application_name }: SessionOptions): pg.Client {
  return new pg.Client({
    connectionString: url,
    application_name: `${application_name} listener`,
    connectionTimeoutMillis: patience,
    query_timeout: patience,
    keepAlive: true,
  })
}
