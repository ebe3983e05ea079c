/** What can be stopped, in the order it was started. */
export interface Parts {
  /** Has the part stopped when the others are, before all that were added earlier. */
  add(name: string, stop: () => Promise<void>): void
  /** Stops everything, the last one first. A part that fails to stop does not keep the others. */
  stop(): Promise<void>
}

/** `complain` hears of every part that did not stop as it should. */
export function createParts(complain: (line: string) => void): Parts {
  const parts: { readonly name: string; readonly stop: () => Promise<void> }[] = []
  let stopped: Promise<void> | undefined

  async function stopAll(): Promise<void> {
    for (let part = parts.pop(); part; part = parts.pop())
      try {
        await part.stop()
      } catch (error) {
        complain(
          `${part.name} did not stop: ${error instanceof Error ? error.message : String(error)}`,
        )
      }
  }

  return {
    add: (name, stop) => void parts.push({ name, stop }),
    stop: () => (stopped ??= stopAll()),
  }
}
