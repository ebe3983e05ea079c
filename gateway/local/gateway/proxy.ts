import { request as http, validateHeaderValue } from 'node:http'
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { request as https } from 'node:https'
import { errorExit, nginxErrorExit } from './error-exit.ts'
import { sharedRequestId } from './exchange.ts'
import type { Exchange, Exit } from './exchange.ts'
import { downstreamHeaders, upstreamHeaders } from './forwarded-headers.ts'
import { respond } from './respond.ts'
import type { FinishHeaders } from './respond.ts'
import type { Match } from './router.ts'
import { upstream_connections } from './upstream-connections.ts'
import type { Service } from './upstream-service.ts'

class UpstreamTimeoutError extends Error {
  override readonly name = 'UpstreamTimeoutError'
}

/**
 * Sends the request upstream and its answer back, every byte as it comes, on a connection that may have
 * carried others before. As in Kong a request is not sent again when the upstream closed it in that very
 * moment: an upstream keeps idle connections for longer than the gateway does. A client that goes away
 * ends the upstream request. An upstream that fails before it answered is a 502, 503 or 504 as in
 * Kong; one that fails later breaks the client's connection off, so no one takes half for a whole.
 * Resolves when the exchange is over.
 */
export async function proxy(
  exchange: Exchange,
  match: Match,
  service: Service,
  response: ServerResponse,
  finish: FinishHeaders,
): Promise<void> {
  const body = await exchange.body.read()
  // The client may have gone while a plugin was at work.
  if (response.destroyed) return
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const upstream = open(exchange, match, service, body)
  limitSilence(upstream, service)
  response.on('close', () => {
    upstream.destroy()
    resolve(undefined)
  })
  upstream.on('response', answer => {
    exchange.progress.answered = performance.now()
    if (answer.statusCode !== undefined) exchange.progress.upstream_status = answer.statusCode
    try {
      passOn(answer, response, finish)
    } catch (error) {
      // No answer that HTTP has: its status is 99 say, or there are control characters in its words.
      upstream.destroy(new Error('the upstream answered nonsense', { cause: error }))
    }
  })
  const fail = (error: Error) => {
    if (response.headersSent || response.destroyed) {
      response.destroy()
      return
    }
    const exit = exitFor(error, exchange)
    exchange.log({
      msg: 'upstream failed',
      level: 'err',
      status: exit.status,
      reason: error.message,
      request_id: sharedRequestId(exchange),
    })
    respond(response, exit, finish)
  }
  upstream.on('error', fail)
  // Nobody asked for another protocol: the client's Upgrade is not passed on.
  upstream.on('upgrade', (_answer, socket) => {
    socket.destroy()
    fail(new Error('the upstream changed the protocol'))
  })
  upstream.end(body)
  await promise
}

function open(exchange: Exchange, match: Match, service: Service, body: Buffer): ClientRequest {
  const request = service.protocol === 'https' ? https : http
  const { query, raw } = exchange.target
  const path = raw.includes('?') ? `${match.upstream_path}?${query}` : match.upstream_path
  exchange.progress.upstream_uri = path
  exchange.progress.proxied = performance.now()
  return request({
    host: service.host,
    port: service.port,
    method: exchange.method,
    path,
    headers: upstreamHeaders(exchange, match, body).raw,
    agent: upstream_connections[service.protocol],
  })
}

/** `connect_timeout` until the upstream is reached, `read_timeout` between two of its bytes. */
function limitSilence(upstream: ClientRequest, service: Service): void {
  const expire = (what: string) =>
    upstream.destroy(new UpstreamTimeoutError(`the upstream was silent for its ${what}`))
  upstream.on('socket', socket => {
    if (!socket.connecting) return
    const timer = setTimeout(() => expire('connect_timeout'), service.connect_timeout)
    socket.once('connect', () => clearTimeout(timer))
    socket.once('close', () => clearTimeout(timer))
  })
  // Counts from when it is connected.
  upstream.setTimeout(service.read_timeout, () => expire('read_timeout'))
}

function passOn(answer: IncomingMessage, response: ServerResponse, finish: FinishHeaders): void {
  const { statusCode = 502, statusMessage = '' } = answer
  validateHeaderValue('reason', statusMessage)
  const headers = downstreamHeaders(answer.rawHeaders)
  finish(headers)
  response.writeHead(statusCode, statusMessage, headers.raw)
  // An event stream's headers are an answer already; those of a body that is all there go with it.
  if (!headers.has('content-length')) response.flushHeaders()
  answer.on('error', () => response.destroy())
  answer.pipe(response)
}

function exitFor(error: NodeJS.ErrnoException, exchange: Exchange): Exit {
  if (error instanceof UpstreamTimeoutError || error.code === 'ETIMEDOUT') {
    return nginxErrorExit(exchange, 504)
  }
  if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') {
    return errorExit(exchange, 503, 'name resolution failed')
  }
  return nginxErrorExit(exchange, 502)
}
