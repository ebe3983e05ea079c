import type { LoadOptions } from './load.ts'
import { openPlayed } from './play.ts'

/** Milliseconds of each request, in the order of their ends. */
export interface Paced {
  /** From when it was sent or began to wait for a free connection, until it had ended. */
  readonly durations: readonly number[]
  /** From when it was due until the load itself got to it. */
  readonly late: readonly number[]
}

/**
 * Requests at fixed times, whatever became of those before: `rate` a second, each on a connection that
 * is free then, as Kong does it; while none is, it waits, which is a part of its time. Nothing is
 * timed before all connections are open. The load never sleeps, since timers know whole milliseconds
 * only; when the computer keeps it from its work, that is told apart and no part of a request's time.
 */
export async function runPaced(options: LoadOptions & { readonly rate: number }): Promise<Paced> {
  const { duration, player, rate, socket } = options
  const connections = await Promise.all(
    Array.from({ length: options.connections }, () => openPlayed(socket, player())),
  )
  const free = [...connections]
  /** When the load got to them. */
  const waiting: number[] = []
  const durations: number[] = []
  const late: number[] = []
  const send = (began: number) => {
    const connection = free.pop()
    if (!connection) return void waiting.push(began)
    connection.play(() => {
      durations.push(performance.now() - began)
      free.push(connection)
      const next = waiting.shift()
      if (next !== undefined) send(next)
    })
  }
  const begun = performance.now()
  const due = (request: number) => begun + (request * 1000) / rate
  const requests = Math.floor((duration * rate) / 1000)
  let over = false
  const worked = new Promise<void>(resolve => {
    let sent = 0
    const work = () => {
      const time = performance.now()
      for (; sent < requests && due(sent) <= time; sent += 1) {
        late.push(time - due(sent))
        send(time)
      }
      if (durations.length === requests) resolve()
      else if (!over) setImmediate(work)
    }
    work()
  })
  try {
    await Promise.race([worked, ...connections.map(({ failure }) => failure)])
  } finally {
    over = true
    for (const connection of connections) connection.close()
  }
  return { durations, late }
}
