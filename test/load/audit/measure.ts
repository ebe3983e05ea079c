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
  /** Processor time that its process has used so far, microseconds. */
  processorTime(): Promise<number>
  stop(): Promise<void>
}

/** What a run of a leg came to. */
export interface Run {
  readonly calls: number
  /** Seconds. */
  readonly seconds: number
  /** Of the server's process, microseconds. */
  readonly processor_time: number
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
    async processorTime() {
      const answered = once(child, 'message')
      child.send('processor time')
      const [{ user, system }] = (await answered) as [NodeJS.CpuUsage]
      return user + system
    },
    async stop() {
      child.disconnect()
      await ended
    },
  }
}

/**
 * Calls a tool as often as callers get answered, each with one call under way at a time. A call that is
 * not answered well is an error: then there is nothing to compare.
 */
export async function runLeg(
  leg: Leg,
  tokens: readonly string[],
  seconds: number,
  signal: AbortSignal,
): Promise<Run> {
  const { url, variant } = leg
  const agent = new Agent({ keepAlive: true })
  const body = toolCall('whoami')
  const before = await leg.processorTime()
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
  const took = (performance.now() - began) / 1000
  return { calls, seconds: took, processor_time: (await leg.processorTime()) - before }
}
