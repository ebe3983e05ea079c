import { CONNECTION_CHANGED, CONNECTION_ENDED } from './end-connections.ts'
import {
  type NotificationSession,
  openNotificationSession,
  PoolerError,
} from './notification-session.ts'

export interface ListenerOptions {
  readonly url: string
  readonly application_name: string
  /** A connection ended so many milliseconds ago. */
  readonly on_ended: (id: string, lag: number) => void
  /** What is known of a connection's person changed. */
  readonly on_changed: (id: string) => void
  /** It listens again; what happened meanwhile was not heard. */
  readonly on_gap: () => void
  /** It does not listen any more, and tries to. */
  readonly on_lost: (error: Error) => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Hears which connections end, through a database session of its own. */
export interface ConnectionListener {
  /**
   * Resolves once it listens for the first time; tries again when that failed. Rejects with what an
   * operator can do about it, PoolerError among them.
   */
  start(): Promise<void>
  /**
   * Until when all that was committed has been heard: the time at which the last probe that was
   * answered was sent, in `now`'s milliseconds. Undefined before the first.
   */
  confirmedAt(): number | undefined
  close(): Promise<void>
}

/** Milliseconds between two probes: what breaks without a word is found out. */
const probe_interval = 1_000
const shortest_pause = 100
const longest_pause = 2_000

export function listenForConnections(options: ListenerOptions): ConnectionListener {
  const { now } = options
  let session: NotificationSession | undefined
  let started: Promise<void> | undefined
  let confirmed_at: number | undefined
  /** The database's clock is so many milliseconds ahead of ours. */
  let ahead = 0
  let timer: NodeJS.Timeout | undefined
  let pause = shortest_pause
  let closed = false

  const later = (work: () => Promise<void>, milliseconds: number) => {
    clearTimeout(timer)
    if (closed) return
    timer = setTimeout(() => void work(), milliseconds)
    timer.unref()
  }

  function hear(channel: string, payload: string): void {
    const [id = '', at = ''] = payload.split(' ')
    if (channel === CONNECTION_ENDED) options.on_ended(id, Math.max(0, now() + ahead - Number(at)))
    if (channel === CONNECTION_CHANGED) options.on_changed(id)
  }

  function lose(error: Error): void {
    const lost = session
    session = undefined
    void lost?.close()
    if (closed) return
    if (lost) options.on_lost(error)
    later(reconnect, pause)
    pause = Math.min(pause * 2, longest_pause)
  }

  async function connect(): Promise<NotificationSession> {
    const attempt: { opened?: NotificationSession; over?: Error } = {}
    attempt.opened = await openNotificationSession({
      url: options.url,
      application_name: options.application_name,
      channels: [CONNECTION_ENDED, CONNECTION_CHANGED],
      on_notification: hear,
      on_end: error => {
        attempt.over = error
        if (attempt.opened && session === attempt.opened) lose(error)
      },
    })
    if (attempt.over) throw attempt.over
    return attempt.opened
  }

  async function confirm(asked: NotificationSession): Promise<void> {
    const sent = now()
    const clock = await asked.probe()
    ahead = clock - (sent + now()) / 2
    confirmed_at = sent
  }

  /** From here on nothing is missed; what was missed before is told first. */
  async function take(opened: NotificationSession): Promise<void> {
    session = opened
    options.on_gap()
    await confirm(opened)
    pause = shortest_pause
    later(watch, probe_interval)
  }

  async function watch(): Promise<void> {
    const watched = session
    if (!watched) return
    try {
      await confirm(watched)
      if (session === watched) later(watch, probe_interval)
    } catch (error) {
      if (session === watched) lose(asError(error))
    }
  }

  async function reconnect(): Promise<void> {
    try {
      const opened = await connect()
      if (closed) return await opened.close()
      await take(opened)
    } catch (error) {
      lose(asError(error))
    }
  }

  async function startNow(): Promise<void> {
    const opened = await connect()
    try {
      await opened.checkDelivery()
      if (closed) throw new Error('closed')
      await take(opened)
    } catch (error) {
      session = undefined
      await opened.close()
      throw error
    }
  }

  return {
    start() {
      started ??= startNow().catch((error: unknown) => {
        started = undefined
        throw error instanceof PoolerError
          ? error
          : new Error('the database cannot be listened to', { cause: error })
      })
      return started
    },
    confirmedAt: () => confirmed_at,
    async close() {
      closed = true
      clearTimeout(timer)
      const open = session
      session = undefined
      await open?.close()
    },
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
