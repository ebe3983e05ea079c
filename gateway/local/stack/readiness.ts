import { createConnection } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** Resolves when ready; rejects with what is still amiss. */
export type Probe = () => Promise<void>

/** Ready when the URL answers 200 within two seconds. */
export function answersAt(url: string): Probe {
  return async () => {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000), redirect: 'manual' })
    const text = await response.text()
    if (response.status !== 200)
      throw new Error(`${url} answers ${response.status}: ${text.slice(0, 200)}`)
  }
}

/** Ready when somebody listens on the Unix socket. */
export function listensAt(path: string): Probe {
  return () =>
    new Promise((resolve, reject) => {
      const socket = createConnection({ path })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.destroy()
        resolve()
      })
    })
}

/**
 * Asks until it is ready. Rejects with the last reason after `patience` milliseconds, and as soon
 * as the signal aborts.
 */
export async function untilReady(
  probe: Probe,
  { patience, signal }: { readonly patience: number; readonly signal: AbortSignal },
): Promise<void> {
  const deadline = performance.now() + patience
  for (;;) {
    signal.throwIfAborted()
    try {
      return await probe()
    } catch (error) {
      if (performance.now() > deadline)
        throw new Error(`not ready after ${patience / 1000} s: ${reason(error)}`, { cause: error })
    }
    await pause(25)
  }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
