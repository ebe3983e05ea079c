/** Does work when it is its turn. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>

/** So much work at most is done at once; the rest waits, in the order in which it came. */
export function createTurns(most: number): InTurn {
  const waiting: (() => void)[] = []
  let running = 0
  return async work => {
    if (running < most) running += 1
    // Whoever is done hands its place on, so nobody who comes meanwhile is before those who wait.
    else await new Promise<void>(resolve => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    }
  }
}

/** Steps of a generator, each in its turn: between them it keeps nobody waiting. */
export async function* stepsInTurn<T>(inTurn: InTurn, steps: AsyncGenerator<T>): AsyncGenerator<T> {
  try {
    for (;;) {
      const step = await inTurn(() => steps.next())
      if (step.done === true) return
      yield step.value
    }
  } finally {
    await steps.return(undefined)
  }
}
