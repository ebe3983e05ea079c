import { z } from 'zod'
import type { RateLimitEvent } from '../../storage/audit-event.ts'

const header = z.union([z.string(), z.array(z.string())])

/** What of Kong's log message is read; the rest may be anything. */
const LogMessage = z.looseObject({
  request: z.looseObject({
    id: z.string().optional(),
    headers: z.record(z.string(), header).default({}),
  }),
  response: z.looseObject({ status: z.int() }),
  /** `upstream` when it was the MCP server that answered. */
  source: z.string().optional(),
  route: z.looseObject({ name: z.string().nullish() }).nullish(),
  client_ip: z.string(),
  /** Milliseconds since 1970. */
  started_at: z.number(),
  correlation_id: z.string().optional(),
  user_id: z.string().nullish(),
  org_id: z.string().nullish(),
  // Another plugin's word for it must not cost the other messages of a batch.
  limited_by: z.enum(['ip', 'org', 'tool']).optional().catch(undefined),
})

export type LogMessage = z.output<typeof LogMessage>

/** Messages of one POST: an object, or a list of them when Kong sends batches. Throws ZodError. */
export function readMessages(body: unknown): readonly LogMessage[] {
  return z.array(LogMessage).parse(Array.isArray(body) ? body : [body])
}

/**
 * The event of a request that one of Kong's limits refused; undefined for every other message. The
 * aliases of rate-limiting say which one it was; Kong's own, which counts for a user, says nothing,
 * and only what mcp-oidc let pass has a user. A 429 of the MCP server or of mcp-oidc is theirs to record.
 */
export function rateLimitEvent(message: LogMessage): RateLimitEvent | undefined {
  const { request, response, source, client_ip, started_at } = message
  if (response.status !== 429 || source === 'upstream') return undefined
  const named = (name: string) => [request.headers[name] ?? []].flat()[0] || undefined
  const user_id = message.user_id || named('x-user-id')
  const limited_by = message.limited_by ?? (user_id === undefined ? undefined : 'user')
  if (limited_by === undefined) return undefined
  const known =
    user_id === undefined
      ? {}
      : {
          ...{ user_id, org_id: message.org_id || named('x-org-id') },
          ...{ email: named('x-user-email'), client_id: named('x-client-id') },
          tool: toolOf(named('x-mcp-tool')),
        }
  return {
    ...{ type: 'rate_limit', outcome: 'refused', error_code: 'rate_limited', limited_by },
    ...given({
      ...known,
      request_id: message.correlation_id ?? request.id,
      ip: client_ip,
      route: message.route?.name ?? undefined,
    }),
    at: new Date(started_at),
  }
}

/** A request is counted as the user's id, a slash and the tool, or `*` for tools without a rule. */
function toolOf(counted_as = ''): string | undefined {
  const tool = counted_as.slice(counted_as.indexOf('/') + 1)
  return tool === '' || tool === '*' ? undefined : tool
}

/** Without what is not known. */
function given<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }
}
