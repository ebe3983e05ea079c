import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { fileURLToPath } from 'node:url'
import { requestTool, toolCall } from '../tool-request.ts'
import type { Served, Variant } from './serve.ts'

const program = fileURLToPath(new URL('serve.ts', import.meta.url))
/** Milliseconds. */
const patience = 30_000

export interface Leg {
  readonly variant: Variant
  readonly url: string
  stop(): Promise<void>
}

/** Starts one server. Rejects when it does not come up. */
export async function startLeg(served: Served): Promise<Leg> {
  const child: ChildProcess = fork(program, [], { stdio: 'inherit' })
  const ended = once(child, 'exit')
  child.send(served)
  const [port] = (await Promise.race([
    once(child, 'message'),
    ended.then(([code]) => Promise.reject(new Error(`${served.variant} ended with ${code}`))),
  ])) as [number]
  return {
    variant: served.variant,
    url: `http://127.0.0.1:${port}`,
    async stop() {
      child.disconnect()
      await ended
    },
  }
}

/**
 * Tool calls a second that callers get answered, each with one call under way at a time. A call that
 * is not answered well is an error: then there is nothing to compare.
 */
export async function callsPerSecond(
  { url, variant }: Leg,
  tokens: readonly string[],
  seconds: number,
  signal: AbortSignal,
): Promise<number> {
  const agent = new Agent({ keepAlive: true })
  const body = toolCall('whoami')
  const began = performance.now()
  let calls = 0
  const caller = async (token: string) => {
    const headers = ['Authorization', `Bearer ${token}`]
    while (performance.now() - began < seconds * 1000) {
      signal.throwIfAborted()
      const answer = await requestTool(url, { agent, headers, body, patience })
      if (answer.status !== 200 || !answer.body.includes('user_id'))
        throw new Error(`${variant} answered ${answer.status}: ${answer.body.slice(0, 300)}`)
      calls += 1
    }
  }
  try {
    await Promise.all(tokens.map(caller))
  } finally {
    agent.destroy()
  }
  return calls / ((performance.now() - began) / 1000)
}
