import { whoamiOf } from '../../support/tool-call.ts'
import type { Answer } from '../tool-request.ts'
import type { Attempt } from './callers.ts'

/** What was seen from the moment before a fault until the system had recovered. */
export interface Tally {
  /** How many answers there were of each status; 0 stands for no answer. */
  readonly statuses: Map<number, number>
  /** Tools that ran for somebody with a good token. */
  readonly tools: number
  /** Milliseconds; the slowest of these. */
  readonly slowest: number
  /** What must not have happened, each in words. */
  readonly violations: readonly string[]
  /** From now on no tool may run, or some may again. */
  stopTools(stopped: boolean): void
  /** Judges an answer to a request that was sent at a time of `performance.now()`. */
  record(attempt: Attempt, answer: Answer, sent: number): void
}

export function createTally(): Tally {
  const statuses = new Map<number, number>()
  const violations: string[] = []
  let tools = 0
  let slowest = 0
  let stopped_since = Infinity

  const judge = ({ signed_in }: Attempt, answer: Answer, sent: number) => {
    const ran = answer.body.includes('structuredContent')
    if (!signed_in) {
      if (ran || answer.status === 200) violations.push(`no good token: ${said(answer)}`)
      return
    }
    if (answer.status !== 200 || !ran) return
    tools += 1
    slowest = Math.max(slowest, performance.now() - sent)
    const { email, org_id, user_id } = whoamiOf(answer)
    const { whoami } = signed_in
    if (user_id !== whoami.user_id || org_id !== whoami.org_id || email !== whoami.email)
      violations.push(`${whoami.email} was taken for another: ${said(answer)}`)
    if (sent >= stopped_since) violations.push(`nobody could have judged it: ${said(answer)}`)
  }
  return {
    statuses,
    violations,
    get tools() {
      return tools
    },
    get slowest() {
      return slowest
    },
    stopTools: stopped => void (stopped_since = stopped ? performance.now() : Infinity),
    record(attempt, answer, sent) {
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      judge(attempt, answer, sent)
    },
  }
}

const said = ({ status, body }: Answer) => `${status} ${body.slice(0, 300)}`
