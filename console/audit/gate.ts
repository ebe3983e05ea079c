/** Lets in as much work as the console does at once: nobody keeps it from the others. */
export interface Gate {
  /** Gives the function that ends the work, or undefined when this person, or everybody, has enough of it. */
  enter(user_id: string): (() => void) | undefined
}

export function createGate(most: { readonly for_one: number; readonly for_all: number }): Gate {
  const running = new Map<string, number>()
  let all = 0
  return {
    enter(user_id) {
      const own = running.get(user_id) ?? 0
      if (own >= most.for_one || all >= most.for_all) return undefined
      running.set(user_id, own + 1)
      all += 1
      let over = false
      return () => {
        if (over) return
        over = true
        all -= 1
        const left = (running.get(user_id) ?? 1) - 1
        if (left === 0) running.delete(user_id)
        else running.set(user_id, left)
      }
    },
  }
}
