import type { Headers, Pdk } from '../../../gateway/plugin-server/pdk.ts'
import type { Audit, RuntimeAudit } from '../audit.ts'
import type { Settings } from '../config/settings.ts'
import { readBody } from '../http/read-body.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { refuseDisagreement } from '../message/agreement.ts'
import { MessageProblem } from '../message/problem.ts'
import { type Message, most_message_bytes, readMessage } from '../message/read-message.ts'
import { judgeTool, type ToolRules, type ToolVerdict } from '../message/tool-rules.ts'
import { bearerToken } from './bearer-token.ts'
import { refuse } from './challenge.ts'
import { first } from './first-header.ts'
import type { Door } from './door.ts'
import type { Identity } from './identity.ts'
import type { Tracer } from '../tracing/tracer.ts'
import { traced } from './traced.ts'
import { turnAway } from './turn-away.ts'

export interface Inspection {
  readonly settings: Settings
  readonly rules: ToolRules
  readonly audit: Audit & Pick<RuntimeAudit, 'refused'>
  readonly log: Log
  readonly metrics: Pick<Metrics, 'request'>
  readonly tracer: Tracer
}

/** An answer in place of the request: status, body, headers; and what the audit trail calls it. */
interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: Headers
  readonly error_code: string
  readonly reason: string
}

/**
 * `serve: resource` with `tool_rules`: as serveResource, and the message is looked at before it is
 * passed on (requirement G06). Three PDK calls when all is well: headers, body, and the identity
 * with what `tool-rate-limiting` counts by.
 */
export async function serveInspected(kong: Pdk, door: Door, inspection: Inspection): Promise<void> {
  await traced(kong, inspection.tracer, (headers, traceparent) =>
    serve(kong, door, inspection, { headers, traceparent }),
  )
}

/** Gives the status, or undefined when the request is passed on. */
async function serve(
  kong: Pdk,
  door: Door,
  inspection: Inspection,
  { headers, traceparent }: { headers: Headers; traceparent: Headers },
): Promise<number | undefined> {
  const verdict = await door.judge(bearerToken(first(headers, 'authorization')))
  if (verdict.refused) return turnAway(kong, verdict, inspection, headers)
  const { identity } = verdict
  const body = await readBody(await kong.request.getRawBody(), most_message_bytes + 1)
  const judged = inspect(inspection, headers, body, identity)
  if (typeof judged === 'string') {
    await kong.service.request.setHeaders({
      ...verdict.headers,
      ...traceparent,
      'X-Mcp-Tool': judged,
    })
    return undefined
  }
  inspection.metrics.request('resource', 'refused', 'message')
  await inspection.audit(
    { headers: { 'x-request-id': first(headers, 'x-request-id') } },
    {
      ...{ type: 'refusal', outcome: 'refused' },
      ...{ user_id: identity.user_id, org_id: identity.org_id, email: identity.email },
      ...{ client_id: identity.client_id, connection_id: identity.connection_id },
      ...{ error_code: judged.error_code, reason: judged.reason },
    },
  )
  await kong.response.exit(judged.status, judged.body, judged.headers)
  return judged.status
}

/** What the request is counted as, or what it is answered. */
function inspect(
  { settings, rules }: Inspection,
  headers: Headers,
  body: Uint8Array,
  identity: Identity,
): string | Answer {
  let message: Message | undefined
  try {
    const encodings = [headers['content-encoding'] ?? []].flat()
    message = readMessage(first(headers, 'content-type'), body, encodings)
    refuseDisagreement(headers, message)
  } catch (error) {
    if (!(error instanceof MessageProblem)) throw error
    return rpcAnswer(error, message)
  }
  const verdict = judgeTool(rules, identity, message)
  return verdict.refused === false
    ? verdict.counted_as
    : refused(settings, identity, verdict, message)
}

function refused(
  settings: Settings,
  { scope: granted }: Identity,
  verdict: Exclude<ToolVerdict, { refused: false }>,
  message: Message | undefined,
): Answer {
  if (verdict.refused === 'role') {
    const text = `Your role does not allow ${verdict.tool}. Ask an administrator of your organization.`
    return rpcAnswer(new MessageProblem(403, 'forbidden', text), message)
  }
  const known = new Set(settings.scopes.map(({ name }) => name))
  // All that the client is to hold: with the missing one alone it would lose the others.
  const all = [...granted.split(' ').filter(scope => known.has(scope)), verdict.scope]
  const { status, body, headers, detail } = refuse(
    settings,
    'insufficient_scope',
    'The user has not granted what this call needs to the client.',
    'scope',
    `needs ${verdict.scope}`,
    all,
  )
  return { status, body, headers, error_code: 'insufficient_scope', reason: detail }
}

function rpcAnswer({ status, code, message }: MessageProblem, asked: Message | undefined): Answer {
  const error = { code, message }
  return {
    status,
    body: JSON.stringify({ jsonrpc: '2.0', error, id: asked?.id ?? null }),
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    error_code: String(code),
    reason: message,
  }
}
