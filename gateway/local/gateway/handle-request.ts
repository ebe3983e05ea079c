import type { ServerResponse } from 'node:http'
import { errorExit } from './exchange.ts'
import type { Exchange, Exit, Phases } from './exchange.ts'
import type { HeaderLines } from './header-lines.ts'
import { proxy } from './proxy.ts'
import { BodyTooLargeError } from './request-body.ts'
import { respond } from './respond.ts'
import type { Match, Router } from './router.ts'

export interface Handling {
  readonly router: Router
  /** The phases of a route's plugins, in the order they run. */
  readonly phases: (route: Match['route']) => readonly Phases[]
}

/**
 * One request from routing to the last byte: the plugins of its route in their order, stopping at
 * the first exit, then the upstream. Whatever fails unexpectedly is a 500, nothing is passed on.
 */
export async function handleRequest(
  exchange: Exchange,
  response: ServerResponse,
  handling: Handling,
): Promise<string | undefined> {
  const { request_id } = exchange
  const match = handling.router({
    method: exchange.method,
    path: exchange.target.path,
    host: exchange.host,
  })
  const phases = match ? handling.phases(match.route) : []
  const finish = (headers: HeaderLines) => {
    for (const [name] of exchange.response_headers.lines) {
      headers.set(name, exchange.response_headers.values(name))
    }
    for (const plugin of phases) plugin.header_filter?.(exchange, headers)
    headers.set('X-Kong-Request-Id', request_id)
  }
  if (!match) {
    respond(response, errorExit(404, 'no Route matched with those values', request_id), finish)
    return undefined
  }
  const { name, service } = match.route
  try {
    const exit = await access(phases, exchange)
    if (exit) respond(response, exit, finish)
    else if (service) await proxy(exchange, match, service, response, finish)
    else respond(response, errorExit(503, 'no Service found with those values', request_id), finish)
  } catch (error) {
    if (response.destroyed || response.headersSent) response.destroy()
    else respond(response, failure(error, exchange), finish)
  } finally {
    await exchange.body.discard()
  }
  return name
}

async function access(phases: readonly Phases[], exchange: Exchange): Promise<Exit | undefined> {
  for (const plugin of phases) {
    const exit = await plugin.access?.(exchange)
    if (exit) return exit
  }
  return undefined
}

function failure(error: unknown, { log, request_id }: Exchange): Exit {
  if (error instanceof BodyTooLargeError) return errorExit(413, 'Payload too large', request_id)
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
  log({ msg: 'request failed', level: 'err', reason, request_id })
  return errorExit(500, 'An unexpected error occurred', request_id)
}
