import { once } from 'node:events'
import { createConnection } from 'node:net'

/** Plays Kong on one connection, one event after the other. */
export interface Player {
  /** The bytes that begin an event. */
  begin(): Uint8Array
  /**
   * Takes what the plugin server sent: what Kong answers, and whether the event has ended as one that
   * lets the request pass. Throws for any other end.
   */
  take(chunk: Buffer): { readonly answers: Uint8Array; readonly over: boolean }
}

/** A connection of Kong's, for one event at a time. */
export interface PlayedConnection {
  /** `done` is called when the event has ended. */
  play(done: () => void): void
  /** Rejects when an event ends otherwise, or not at all. */
  readonly failure: Promise<never>
  close(): void
}

/** Milliseconds that an event may take. */
const patience = 30_000

/** Without a promise for each event: the load must be the lighter side. */
export async function openPlayed(socket: string, player: Player): Promise<PlayedConnection> {
  const stream = createConnection({ path: socket })
  await once(stream, 'connect')
  const { promise: failure, reject } = Promise.withResolvers<never>()
  failure.catch(() => undefined) // whoever plays hears of it
  const timer = setTimeout(() => reject(new Error('an event took too long')), patience)
  let done = () => reject(new Error('the plugin server spoke before it was asked'))
  stream.on('data', chunk => {
    try {
      const { answers, over } = player.take(chunk)
      if (answers.length > 0) stream.write(answers)
      if (over) done()
    } catch (error) {
      reject(error instanceof Error ? error : new Error(String(error)))
    }
  })
  stream.on('error', reject)
  stream.on('close', () => reject(new Error('the plugin server closed the connection')))
  return {
    play(then) {
      done = then
      timer.refresh()
      stream.write(player.begin())
    },
    failure,
    close() {
      clearTimeout(timer)
      stream.destroy()
    },
  }
}
