import { randomUUID } from 'node:crypto'
import { Agent } from 'node:http'
import { requestTool } from '../tool-request.ts'

/** What callers sent and what came of it, by request id. */
export interface Calls {
  /** Answered with a result. */
  readonly answered: Set<string>
  /** Begun and not over. */
  readonly in_flight: Set<string>
  sent: number
}

export interface Callers {
  readonly calls: Calls
  /** Takes no new calls, and resolves when those under way are over. */
  stop(): Promise<void>
}

/** Milliseconds. */
const patience = 10_000
const pause_after_failure = 20

/**
 * Callers that have a call under way at any time, whatever becomes of it. Each second one writes: it
 * puts a company on a new list that is named by the request's id.
 */
export function startCallers(
  url: string,
  at_once: number,
  company_id: string,
  sign: (caller: number) => Promise<string>,
): Callers {
  const calls: Calls = { answered: new Set(), in_flight: new Set(), sent: 0 }
  const agent = new Agent({ keepAlive: true })
  let stopped = false
  const call = async (caller: number, serial: number) => {
    const id = randomUUID()
    const authorization = `Bearer ${await sign(caller)}`
    const writes = serial % 2 === 0
    const params = writes
      ? { name: 'add_to_list', arguments: { list_name: id, company_id } }
      : { name: 'whoami', arguments: {} }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
    const headers = ['Authorization', authorization, 'X-Request-Id', id]
    calls.sent += 1
    calls.in_flight.add(id)
    const answer = await requestTool(url, { agent, headers, body, patience })
    calls.in_flight.delete(id)
    // A result, also one that says that the tool failed; an error of the protocol has none.
    if (answer.status === 200 && answer.body.includes('"result"')) calls.answered.add(id)
    else await new Promise(resolve => setTimeout(resolve, pause_after_failure))
  }
  const working = Array.from({ length: at_once }, async (_, caller) => {
    for (let serial = caller; !stopped; serial += 1) await call(caller, serial)
  })
  return {
    calls,
    async stop() {
      stopped = true
      await Promise.all(working)
      agent.destroy()
    },
  }
}
