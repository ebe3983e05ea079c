import { Agent } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { SignedIn } from '../access-token.ts'
import { requestTool, toolCall } from '../tool-request.ts'

export interface SteadyOptions {
  readonly url: string
  /** They take turns. */
  readonly people: readonly SignedIn[]
  /** The address they come from: limits by IP are not what is measured. */
  readonly address: string
  /** Calls a second, of all of them together. */
  readonly rate: number
  /** Milliseconds. */
  readonly duration: number
  readonly signal: AbortSignal
}

export interface Steady {
  /** Milliseconds of each call that was answered as it should be. */
  readonly durations: readonly number[]
  /** What the others were answered. */
  readonly failures: readonly string[]
}

/** Milliseconds until a caller gives up. */
const patience = 10_000

/**
 * Calls `whoami` on a fixed beat. A call's time runs from its beat, not from when it could be sent:
 * otherwise a gateway that keeps everybody waiting would look quick.
 */
export async function callSteadily(options: SteadyOptions): Promise<Steady> {
  const { address, duration, people, rate, signal, url } = options
  const agent = new Agent({ keepAlive: true, localAddress: address })
  const durations: number[] = []
  const failures: string[] = []
  const body = toolCall('whoami')
  const call = async ({ access_token, whoami }: SignedIn, due: number) => {
    const headers = ['Authorization', `Bearer ${access_token}`]
    const answer = await requestTool(url, { agent, headers, body, patience })
    if (answer.status === 200 && answer.body.includes(`"user_id":"${whoami.user_id}"`))
      durations.push(performance.now() - due)
    else failures.push(`${answer.status} ${answer.body.slice(0, 200)}`)
  }
  const begun = performance.now()
  const calls: Promise<void>[] = []
  for (let beat = 0; ; beat += 1) {
    const after = (beat * 1000) / rate
    if (after >= duration) break
    const wait = begun + after - performance.now()
    if (wait > 0) await pause(wait, undefined, { signal })
    const person = people[beat % people.length]
    if (person) calls.push(call(person, begun + after))
  }
  await Promise.all(calls)
  agent.destroy()
  return { durations, failures }
}
