import { randomUUID } from 'node:crypto'
import { Agent } from 'node:http'
import { requestTool, toolCall } from '../tool-request.ts'

/** What became of calls, by a name of ours. */
export interface Calls {
  /** The round in which each was begun. */
  readonly sent: ReadonlyMap<string, number>
  /** Those that write, and their arguments. */
  readonly writes: ReadonlyMap<string, WriteArguments>
  /** Results by the request id that the gateway gave them, and the round in which each came. */
  readonly answered: ReadonlyMap<string, number>
  /** Begun and not over. */
  readonly in_flight: ReadonlySet<string>
  /** Given up: nothing came, neither an answer nor the end of the connection. */
  readonly hung: readonly string[]
  /** When the latest of those that wrote something was begun; `performance.now()`. */
  readonly latest_write: number
}

/** The list is called by the call's name. */
export interface WriteArguments {
  readonly list_name: string
  readonly company_id: string
}

export interface Callers {
  readonly calls: Calls
  /** From now on calls belong to this round. */
  enter(round: number): void
  /** Takes no new calls, and resolves when those under way are over. */
  stop(): Promise<void>
}

export interface CallersOptions {
  /** The gateway. */
  readonly url: string
  readonly at_once: number
  readonly company_id: string
  /** The access token of a caller. */
  readonly token: (caller: number) => string
}

/** Milliseconds. */
const patience = 10_000
const pause_after_failure = 100

/**
 * Callers that have a call under way at any time, whatever becomes of it. Each second one writes: it
 * puts a company on a new list that is called by the call's name.
 */
export function startCallers({ url, at_once, company_id, token }: CallersOptions): Callers {
  const sent = new Map<string, number>()
  const writes = new Map<string, WriteArguments>()
  const answered = new Map<string, number>()
  const in_flight = new Set<string>()
  const hung: string[] = []
  const agent = new Agent({ keepAlive: true })
  let [round, latest_write, stopped] = [0, 0, false]

  const call = async (caller: number, serial: number) => {
    const name = randomUUID()
    const args = serial % 2 === 0 ? { list_name: name, company_id } : undefined
    if (args) writes.set(name, args)
    const body = toolCall(args ? 'add_to_list' : 'whoami', args)
    const headers = ['Authorization', `Bearer ${token(caller)}`]
    const begun = performance.now()
    sent.set(name, round)
    in_flight.add(name)
    const answer = await requestTool(url, { agent, headers, body, patience })
    in_flight.delete(name)
    // A result, also one that says that the tool failed; an error of the protocol has none.
    if (answer.status === 200 && answer.body.includes('"result"')) {
      // Without an id it will not be found, and that is said of it.
      const { 'x-request-id': request_id = `none: ${name}` } = answer.headers
      answered.set(String(request_id), round)
      if (args && answer.body.includes('"added":true')) latest_write = Math.max(latest_write, begun)
      return
    }
    if (answer.status === 0 && performance.now() - begun >= patience) hung.push(name)
    await new Promise(resolve => setTimeout(resolve, pause_after_failure))
  }
  const working = Array.from({ length: at_once }, async (_, caller) => {
    for (let serial = caller; !stopped; serial += 1) await call(caller, serial)
  })
  return {
    calls: {
      ...{ sent, writes, answered, in_flight, hung },
      get latest_write() {
        return latest_write
      },
    },
    enter: next => void (round = next),
    async stop() {
      stopped = true
      await Promise.all(working)
      agent.destroy()
    },
  }
}
