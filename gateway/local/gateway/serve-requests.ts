import { once } from 'node:events'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { nginxErrorExit } from './error-exit.ts'
import { sharedRequestId } from './exchange.ts'
import type { Exchange, Log, Phases } from './exchange.ts'
import type { Generation } from './generation.ts'
import { handleRequest } from './handle-request.ts'
import { HeaderLines } from './header-lines.ts'
import { readExchange } from './read-exchange.ts'
import type { Surface } from './read-exchange.ts'
import { respond } from './respond.ts'
import { serialize } from './serialize.ts'
import type { Traffic } from './serialize.ts'
import { createTrafficMeter } from './traffic-meter.ts'

/** Serves each request with the configuration that is in force when it arrives, to its end. */
export function serveRequests(current: () => Generation, surface: Surface): RequestListener {
  const measure = createTrafficMeter()
  const { log } = surface

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const generation = current()
    const leave = generation.enter()
    // Its errors are those of a connection that is gone: that shows in its being closed.
    response.on('error', () => undefined)
    const closed = once(response, 'close')
    const { socket } = request
    try {
      const read = readExchange(request, generation.router, surface)
      const plugins = read ? generation.phases(read.match) : []
      if (read) await handleRequest(read.exchange, response, read.match, plugins)
      else
        respond(
          response,
          nginxErrorExit({ headers: new HeaderLines(request.rawHeaders), request_id: '' }, 400),
          () => undefined,
        )
      await closed
      const traffic = measure(socket)
      logRequest(request, response, read?.exchange, log)
      if (read) runLogPhases(read.exchange, response, traffic, plugins)
    } finally {
      leave()
    }
  }
  return (request, response) => {
    serve(request, response).catch((error: unknown) => {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
      log({ msg: 'request failed', level: 'err', reason })
      response.destroy()
    })
  }
}

/** The gateway's own line, which names no path: it may hold a code. */
function logRequest(
  { method }: IncomingMessage,
  response: ServerResponse,
  exchange: Exchange | undefined,
  log: Log,
): void {
  log({
    msg: 'request',
    method,
    route: exchange?.route?.name,
    status: response.headersSent ? response.statusCode : 499,
    duration_ms: exchange && Math.round(performance.now() - exchange.progress.started),
    request_id: exchange && sharedRequestId(exchange),
  })
}

function runLogPhases(
  exchange: Exchange,
  response: ServerResponse,
  traffic: Traffic,
  plugins: readonly Phases[],
): void {
  if (!plugins.some(plugin => 'log' in plugin)) return
  const message = serialize(exchange, response, traffic)
  for (const plugin of plugins) plugin.log?.(message)
}
