import { once } from 'node:events'
import { createConnection } from 'node:net'
import type { Socket } from 'node:net'

/** What a load reached. */
export interface Reached {
  readonly requests: number
  readonly seconds: number
  /** Milliseconds of each, when asked for. */
  readonly durations: readonly number[]
}

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

export interface LoadOptions {
  readonly socket: string
  readonly connections: number
  /** Milliseconds. */
  readonly duration: number
  readonly player: () => Player
  /** Requests a second over all connections; as many as get through without it. */
  readonly rate?: number
}

/** Milliseconds that an event may take. */
const patience = 30_000

/** Keeps every connection busy for as long as it is told. Rejects when an event ends otherwise. */
export async function runLoad(options: LoadOptions): Promise<Reached> {
  const { connections, duration, rate } = options
  const begun = performance.now()
  const over = begun + duration
  const durations: number[] = []
  let requests = 0
  const work = async (index: number) => {
    const stream = createConnection({ path: options.socket })
    await once(stream, 'connect')
    const player = options.player()
    const pace = rate === undefined ? 0 : (1000 * connections) / rate
    let due = begun + (pace * index) / connections
    await runEvents(stream, player, {
      // A request's time runs from when it was due, or a slow server would look quick.
      next: async () => {
        if (pace === 0) return performance.now() < over ? performance.now() : undefined
        due += pace
        if (due >= over) return undefined
        const wait = due - performance.now()
        if (wait > 0) await new Promise(resolve => setTimeout(resolve, wait))
        return due
      },
      done: began => {
        requests += 1
        durations.push(performance.now() - began)
      },
      paced: pace > 0,
    })
    stream.destroy()
  }
  await Promise.all(Array.from({ length: connections }, (_, index) => work(index)))
  return { requests, seconds: (performance.now() - begun) / 1000, durations }
}

interface Events {
  /** When the next event was due, in milliseconds; undefined when there is none. */
  readonly next: () => Promise<number | undefined>
  readonly done: (began: number) => void
  readonly paced: boolean
}

/** Without a promise for each event where they follow each other: the load must be the lighter side. */
function runEvents(stream: Socket, player: Player, { next, done }: Events): Promise<void> {
  return new Promise((resolve, reject) => {
    let began = 0
    const timer = setTimeout(() => reject(new Error('an event took too long')), patience)
    const start = () => {
      next().then(due => {
        if (due === undefined) return end()
        began = due
        timer.refresh()
        stream.write(player.begin())
      }, reject)
    }
    const end = () => {
      clearTimeout(timer)
      resolve()
    }
    stream.on('data', chunk => {
      try {
        const { answers, over } = player.take(chunk)
        if (answers.length > 0) stream.write(answers)
        if (over) {
          done(began)
          start()
        }
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)))
      }
    })
    stream.on('error', reject)
    stream.on('close', () => reject(new Error('the plugin server closed the connection')))
    start()
  })
}
