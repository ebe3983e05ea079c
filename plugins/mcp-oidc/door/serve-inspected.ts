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
import type { Door } from './door.ts'
import type { Identity } from './identity.ts'
import { turnAway } from './turn-away.ts'

export interface Inspection {
  readonly settings: Settings
  readonly rules: ToolRules
  readonly audit: Audit & Pick<RuntimeAudit, 'refused'>
  readonly log: Log
  readonly metrics: Pick<Metrics, 'request'>
}

const kong_header_limit = 1000

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
  const headers = await kong.request.getHeaders(kong_header_limit)
  const verdict = await door.judge(bearerToken(one(headers, 'authorization')))
  if (verdict.refused) return turnAway(kong, verdict, inspection)
  const { identity } = verdict
  const body = await readBody(await kong.request.getRawBody(), most_message_bytes + 1)
  const judged = inspect(inspection, headers, body, identity)
  if (typeof judged === 'string')
    return kong.service.request.setHeaders({
      ...verdict.headers,
      'X-Mcp-Tool': judged,
    })
  inspection.metrics.request('resource', 'refused', 'message')
  await inspection.audit(
    { headers: { 'x-request-id': one(headers, 'x-request-id') } },
    {
      ...{ type: 'refusal', outcome: 'refused' },
      ...{ user_id: identity.user_id, org_id: identity.org_id, email: identity.email },
      ...{ client_id: identity.client_id, connection_id: identity.connection_id },
      ...{ error_code: judged.error_code, reason: judged.reason },
    },
  )
  await kong.response.exit(judged.status, judged.body, judged.headers)
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
    message = readMessage(one(headers, 'content-type'), body)
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

/** The first value of a header, as `get_header` gives it. */
function one(headers: Headers, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : value?.[0]
}
