import { type AuthInfo, INTERNAL_ERROR } from '@modelcontextprotocol/server'
import type { Request, RequestHandler, Response as Reply } from 'express'
import type { Logger } from 'pino'
import { createRecorder, type Recorder, type Trail } from '../audit/recorder.ts'
import type { ProductDatabase } from '../data/database.ts'
import type { Turns } from '../fairness/turns.ts'
import type { Identity } from '../identity/identity.ts'
import { identityOf } from '../identity/require-identity.ts'
import type { Metrics } from '../metrics.ts'
import { type Access, accessOf } from '../permissions/access.ts'
import type { PermissionSource } from '../permissions/permission-source.ts'
import type { Policy } from '../permissions/policy.ts'
import { requestIdOf } from '../request-id.ts'
import { traceOf } from '../request-log.ts'
import type { Tool } from '../tools/tool.ts'
import type { Surroundings, ToolCall } from './call-tool.ts'
import { createExchanges } from './exchange.ts'
import { BodyError, readBody } from './read-body.ts'
import { refuseDisagreement } from './refuse-disagreement.ts'
import { recordRefusal, type RpcError } from './record-refusal.ts'
import { errorOf, rpcError } from './rpc-response.ts'
import { createServer } from './server.ts'
import { answerInsufficientScope, scopesToAskFor } from './step-up.ts'
import { methodOf, toolCallIn } from './tool-call-in.ts'

export interface EndpointOptions {
  readonly tools: readonly Tool[]
  readonly data: ProductDatabase
  readonly trail: Trail
  readonly log: Logger
  /** Milliseconds. */
  readonly clock: () => number
  readonly metrics: Metrics
  readonly turns: Turns
  /** What tools need, at the moment of asking. */
  readonly policy: () => Policy
  readonly permissions: PermissionSource
  /** Where a client learns how to ask for scopes (RFC 9728). */
  readonly resource_metadata: string
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
export function createEndpoint(options: EndpointOptions): Endpoint {
  const { trail, log, turns, policy, permissions, resource_metadata, ...rest } = options
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
  const exchanges = createExchanges({
    serverFor({ era, authInfo }) {
      const surroundings = authInfo && requests.get(authInfo)
      if (surroundings === undefined) throw new Error('a request came without an identity')
      return createServer(surroundings, era, track)
    },
    report: error => log.info({ err: error }, 'request refused'),
  })

  async function handle(request: Request, reply: Reply): Promise<void> {
    const identity = identityOf(request)
    const request_id = requestIdOf(request)
    const request_log = log.child({ request_id })
    const recorder = createRecorder(trail, request_log, identity, request_id, rest.metrics)
    const read = await bodyOf(request, reply, recorder)
    if (!read) return
    const { body } = read
    const call = toolCallIn(body)
    if (call) rest.metrics.caller(identity)
    const access = await accessFor(identity, body, request_log)
    if (!access) return unknownPermissions(reply, recorder)
    if (call && (await steppedUp(access, call, recorder, identity, reply))) return
    const leave = await turns.take(identity, goneWith(reply))
    if (!leave) return busy(reply, recorder)
    reply.once('close', leave)
    const authInfo = { token: '', clientId: identity.client_id, scopes: identity.scope.split(' ') }
    const context = { identity, data: rest.data }
    const trace = traceOf(request)
    const lists = methodOf(body) === 'tools/list'
    requests.set(authInfo, { ...rest, lists, access, context, recorder, trace, log: request_log })
    // RecordedServer has put what a legacy server says on record; the SDK's own errors have a status.
    const inspect = async (response: Response, era?: 'legacy') =>
      request.method !== 'POST' || (era === 'legacy' && response.ok)
        ? response
        : recorded(response, recorder)
    await exchanges.answer(request, reply, { body, authInfo, inspect })
  }

  /** Undefined when nobody can tell. Only requests about tools are asked for. */
  async function accessFor(
    identity: Identity,
    message: unknown,
    request_log: Logger,
  ): Promise<Access | undefined> {
    const nothing: ReadonlySet<string> = new Set()
    try {
      const may = methodOf(message)?.startsWith('tools/')
        ? await permissions.permissionsOf(identity)
        : nothing
      return accessOf(policy(), identity, may)
    } catch (error) {
      request_log.error({ err: error }, 'it cannot be told what the caller may do')
      return undefined
    }
  }

  /** Whether the client was sent to ask for scopes that the call needs; that is on record then. */
  async function steppedUp(
    access: Access,
    call: ToolCall,
    recorder: Recorder,
    identity: Identity,
    reply: Reply,
  ): Promise<boolean> {
    const tool = rest.tools.find(({ name }) => name === call.name)
    const missing = scopesToAskFor(access, tool, call)
    if (!tool || missing.length === 0) return false
    const ended = rest.metrics.toolCall(tool.name)
    try {
      await recorder.record({
        type: 'tool_call',
        outcome: 'refused',
        tool: tool.name,
        error_code: 'insufficient_scope',
        reason: `needs ${missing.join(' ')}`,
      })
    } catch {
      ended('not_recorded')
      reply.status(503).json(rpcError(not_recorded))
      return true
    }
    ended('insufficient_scope')
    answerInsufficientScope(reply, identity, missing, resource_metadata)
    return true
  }

  return {
    handle,
    async drain() {
      while (running.size > 0) await Promise.allSettled(running)
      // The answers of those calls are handed over in microtasks, which all come before this.
      await new Promise(resolve => setImmediate(resolve))
      await exchanges.close()
    },
  }
}

/** Aborts when nobody waits for the answer any more. */
function goneWith(reply: Reply): AbortSignal {
  const gone = new AbortController()
  reply.once('close', () => {
    if (!reply.writableFinished) gone.abort()
  })
  return gone.signal
}

const not_recorded: RpcError = {
  code: INTERNAL_ERROR,
  message: 'The request could not be recorded. Try again later.',
}

/** Whoever knows what the caller may do does not answer: nobody may do anything. */
async function unknownPermissions(reply: Reply, recorder: Recorder): Promise<void> {
  const error = {
    code: INTERNAL_ERROR,
    message: 'It cannot be told at the moment what you may do here. Try again in a moment.',
  }
  const other = await recordRefusal(recorder, error)
  reply
    .status(503)
    .set('retry-after', '5')
    .json(rpcError(other ?? error))
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

/** The body; undefined when it is refused: that is on record and answered, if anybody is still there. */
async function bodyOf(
  request: Request,
  reply: Reply,
  recorder: Recorder,
): Promise<{ readonly body: unknown } | undefined> {
  try {
    const body = await readBody(request, reply)
    refuseDisagreement(request.headers, body)
    return { body }
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
