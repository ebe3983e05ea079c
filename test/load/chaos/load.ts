import { Agent } from 'node:http'
import { type Answer, requestTool } from '../tool-request.ts'
import type { Attempt } from './callers.ts'
import type { Tally } from './tally.ts'

/** Requests that never cease, so many at once. */
export interface Load {
  /** How many are on their way right now. */
  readonly in_flight: number
  /** Requests with a good token so far, by user id. */
  readonly sent: ReadonlyMap<string, number>
  /** Tools that ran for them, as far as somebody was told. */
  readonly answered: ReadonlyMap<string, number>
  /** From now on answers are counted there, those to requests on their way too. */
  countIn(tally: Tally): void
  /** One request more. */
  send(attempt: Attempt): Promise<Answer>
  stop(): Promise<void>
}

export interface LoadOptions {
  readonly url: string
  readonly at_once: number
  /** Milliseconds until a client gives up. */
  readonly patience: number
  readonly next: () => Attempt
  readonly tally: Tally
}

export function startLoad({ at_once, next, patience, tally: first, url }: LoadOptions): Load {
  // One more than those at once, for the request in between.
  const agent = new Agent({ keepAlive: true, maxSockets: at_once + 1 })
  const sent = new Map<string, number>()
  const answered = new Map<string, number>()
  let tally = first
  let in_flight = 0
  let running = true

  const send = async (attempt: Attempt): Promise<Answer> => {
    const user = attempt.signed_in?.whoami.user_id
    if (user !== undefined) sent.set(user, (sent.get(user) ?? 0) + 1)
    const begun = performance.now()
    in_flight += 1
    const { headers, body } = attempt
    const answer = await requestTool(url, { agent, headers, body, patience })
    in_flight -= 1
    tally.record(attempt, answer, begun)
    if (user !== undefined && answer.body.includes('structuredContent'))
      answered.set(user, (answered.get(user) ?? 0) + 1)
    return answer
  }
  const work = async () => {
    while (running) await send(next())
  }
  const workers = Array.from({ length: at_once }, work)
  return {
    get in_flight() {
      return in_flight
    },
    sent,
    answered,
    countIn: wanted => void (tally = wanted),
    send,
    async stop() {
      running = false
      await Promise.all(workers)
      agent.destroy()
    },
  }
}
