import { toNodeHandler } from '@modelcontextprotocol/node'
import { type AuthInfo, createMcpHandler, INTERNAL_ERROR } from '@modelcontextprotocol/server'
import type { Request, RequestHandler, Response as Reply } from 'express'
import type { Logger } from 'pino'
import type { Database } from '../../storage/database.ts'
import { createRecorder, type Recorder } from '../audit/recorder.ts'
import type { ProductDatabase } from '../data/database.ts'
import type { Turns } from '../fairness/turns.ts'
import { identityOf } from '../identity/require-identity.ts'
import type { Metrics } from '../metrics.ts'
import { requestIdOf } from '../request-id.ts'
import { traceOf } from '../request-log.ts'
import type { Tool } from '../tools/tool.ts'
import type { Surroundings } from './call-tool.ts'
import { BodyError, readBody } from './read-body.ts'
import { recordRefusal } from './record-refusal.ts'
import { errorOf, rpcError } from './rpc-response.ts'
import { createServer } from './server.ts'

export interface EndpointOptions {
  readonly tools: readonly Tool[]
  readonly data: ProductDatabase
  readonly audit: Database
  readonly log: Logger
  /** Milliseconds. */
  readonly clock: () => number
  readonly metrics: Metrics
  readonly turns: Turns
}

export interface Endpoint {
  /** Stands behind `requireIdentity`. */
  readonly handle: RequestHandler
  /** Lets the calls that are running finish, and then ends open streams. */
  drain(): Promise<void>
}

/**
 * The MCP endpoint, without sessions, for both eras: each request has a server of its own, whether
 * it carries everything it needs (2026-07-28) or follows an `initialize` (2025-11-25 and before).
 */
export function createEndpoint({ audit, log, turns, ...rest }: EndpointOptions): Endpoint {
  // The SDK hands this object on by reference: a request without an entry gets no server.
  const requests = new WeakMap<AuthInfo, Surroundings>()
  const running = new Set<Promise<unknown>>()
  const track = async <T>(call: Promise<T>): Promise<T> => {
    running.add(call)
    try {
      return await call
    } finally {
      running.delete(call)
    }
  }
  const mcp = createMcpHandler(
    ({ era, authInfo }) => {
      const surroundings = authInfo && requests.get(authInfo)
      if (surroundings === undefined) throw new Error('a request came without an identity')
      return createServer(surroundings, era, track)
    },
    { onerror: error => log.info({ err: error }, 'request refused') },
  )

  async function handle(request: Request, reply: Reply): Promise<void> {
    const identity = identityOf(request)
    const request_id = requestIdOf(request)
    const request_log = log.child({ request_id })
    const recorder = createRecorder(audit, request_log, identity, request_id, rest.metrics)
    const body = await bodyOf(request, reply, recorder)
    if (reply.headersSent) return
    const leave = await turns.take(identity, goneWith(reply))
    if (!leave) return busy(reply, recorder)
    reply.once('close', leave)
    const authInfo = { token: '', clientId: identity.client_id, scopes: identity.scope.split(' ') }
    const context = { identity, data: rest.data }
    const trace = traceOf(request)
    requests.set(authInfo, { ...rest, context, recorder, trace, log: request_log })
    const node = toNodeHandler({
      fetch: async web => {
        const response = await mcp.fetch(web, { authInfo, parsedBody: body })
        return request.method === 'POST' ? recorded(response, recorder) : response
      },
    })
    await node(request, reply, body)
  }

  return {
    handle,
    async drain() {
      while (running.size > 0) await Promise.allSettled(running)
      // The answers of those calls are handed over in microtasks, which all come before this.
      await new Promise(resolve => setImmediate(resolve))
      await mcp.close()
    },
  }
}

/** Aborts when nobody waits for the answer any more. */
function goneWith(reply: Reply): AbortSignal {
  const gone = new AbortController()
  reply.once('close', () => gone.abort())
  return gone.signal
}

/** Too many calls of the organization wait already, or this one's caller has gone. */
async function busy(reply: Reply, recorder: Recorder): Promise<void> {
  if (reply.destroyed) return
  const error = {
    code: INTERNAL_ERROR,
    message: 'Too many calls of your organization are waiting. Try again in a moment.',
  }
  const other = await recordRefusal(recorder, error)
  reply
    .status(503)
    .set('retry-after', '1')
    .json(rpcError(other ?? error))
}

/** The body; when it is refused, that is on record and answered. */
async function bodyOf(request: Request, reply: Reply, recorder: Recorder): Promise<unknown> {
  try {
    return await readBody(request, reply)
  } catch (error) {
    if (!(error instanceof BodyError)) throw error
    const other = await recordRefusal(recorder, error.error)
    reply.status(other ? 503 : error.status).json(rpcError(other ?? error.error))
    return undefined
  }
}

/** The answer, once an error in it is on record; another error when that cannot be done. */
async function recorded(response: Response, recorder: Recorder): Promise<Response> {
  const error = await errorOf(response)
  if (error === undefined || recorder.failures > 0) return response
  const other = await recordRefusal(recorder, error)
  return other ? Response.json(rpcError(other), { status: 503 }) : response
}
