import { openPlayed, type Player } from './play.ts'

export interface LoadOptions {
  readonly socket: string
  readonly connections: number
  /** Milliseconds. */
  readonly duration: number
  readonly player: () => Player
}

/** What a load reached. */
export interface Reached {
  readonly requests: number
  readonly seconds: number
}

/** Keeps every connection busy for as long as it is told. Rejects when an event ends otherwise. */
export async function runLoad({
  connections,
  duration,
  player,
  socket,
}: LoadOptions): Promise<Reached> {
  const begun = performance.now()
  const over = begun + duration
  let requests = 0
  const work = async () => {
    const connection = await openPlayed(socket, player())
    const worked = new Promise<void>(resolve => {
      const next = () => {
        requests += 1
        if (performance.now() < over) connection.play(next)
        else resolve()
      }
      connection.play(next)
    })
    await Promise.race([worked, connection.failure])
    connection.close()
  }
  await Promise.all(Array.from({ length: connections }, work))
  return { requests, seconds: (performance.now() - begun) / 1000 }
}
