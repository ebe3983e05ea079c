import type { ServerResponse } from 'node:http'
import { errorExit, nginxErrorExit } from './error-exit.ts'
import { sharedRequestId } from './exchange.ts'
import type { Exchange, Exit, Phases } from './exchange.ts'
import type { HeaderLines } from './header-lines.ts'
import { proxy } from './proxy.ts'
import { BodyTooLargeError } from './request-body.ts'
import { respond } from './respond.ts'
import type { Match } from './router.ts'

/**
 * One request from its route to the last byte: the plugins in their order, stopping at the first
 * exit, then the upstream. Whatever fails unexpectedly is a 500, nothing is passed on. Without a
 * route, `plugins` are those of the whole file, and only their later phases run.
 */
export async function handleRequest(
  exchange: Exchange,
  response: ServerResponse,
  match: Match | undefined,
  plugins: readonly Phases[],
): Promise<void> {
  const { request_id, progress } = exchange
  const finish = (headers: HeaderLines) => {
    for (const [name] of exchange.response_headers.lines) {
      headers.set(name, exchange.response_headers.values(name))
    }
    for (const plugin of plugins) plugin.header_filter?.(exchange, headers)
    headers.set('X-Kong-Request-Id', request_id)
    progress.response_headers = headers
    progress.responded = performance.now()
  }
  if (!match) {
    const exit = exchange.body.announced_too_long
      ? nginxErrorExit(exchange, 413)
      : errorExit(exchange, 404, 'no Route matched with those values')
    respond(response, exit, finish)
    return
  }
  const { service } = match.route
  try {
    const exit = await access(plugins, exchange)
    if (exit) respond(response, exit, finish)
    else if (service) await proxy(exchange, match, service, response, finish)
    else respond(response, errorExit(exchange, 503, 'no Service found with those values'), finish)
  } catch (error) {
    if (response.destroyed || response.headersSent) response.destroy()
    else respond(response, failure(error, exchange), finish)
  } finally {
    await exchange.body.discard()
  }
}

async function access(plugins: readonly Phases[], exchange: Exchange): Promise<Exit | undefined> {
  for (const plugin of plugins) {
    const exit = await plugin.access?.(exchange)
    if (exit) return exit
  }
  return undefined
}

function failure(error: unknown, exchange: Exchange): Exit {
  if (error instanceof BodyTooLargeError) return nginxErrorExit(exchange, 413)
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const request_id = sharedRequestId(exchange)
  exchange.log({ msg: 'request failed', level: 'err', reason, request_id })
  return errorExit(exchange, 500, 'An unexpected error occurred')
}
