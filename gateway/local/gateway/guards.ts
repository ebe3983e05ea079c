import { z } from 'zod'
import type { Exchange, Exit } from './exchange.ts'
import { nativePlugin } from './native-plugin.ts'

/** Headers by which the upstream and the rate limits know who is calling. */
const IDENTITY_HEADERS = new Set([
  'x-user-id',
  'x-org-id',
  'x-user-email',
  'x-client-id',
  'x-request-id',
])

/** The key in `kong.ctx.shared` that the Lua snippets use too. */
const CLIENT_AUTHORIZATION = 'client_authorization'

const snippets = z.array(z.string()).optional()
const functions = z.strictObject({
  certificate: snippets,
  rewrite: snippets,
  access: z.array(z.string()).min(1, 'the local gateway has an equivalent of access snippets only'),
  header_filter: snippets,
  body_filter: snippets,
  log: snippets,
})

/**
 * Stands for the `pre-function` snippets of config/kong.yml: removes the identity headers that the
 * client sent, in every spelling, and its Connection, and keeps its Authorization for {@link post_function}.
 */
export const pre_function = nativePlugin({
  name: 'pre-function',
  priority: 1_000_000,
  notice: "Lua runs in Kong only; here the client's identity headers are removed natively",
  config: functions,
  start: () => ({ access: removeIdentity }),
})

/**
 * Stands for the `post-function` snippet: nothing is proxied unless a plugin replaced the client's
 * Authorization.
 */
export const post_function = nativePlugin({
  name: 'post-function',
  priority: -1000,
  notice: 'Lua runs in Kong only; here an Authorization that was not replaced is answered natively',
  config: functions,
  start: () => ({ access: requireReplacedAuthorization }),
})

function removeIdentity({ headers, shared }: Exchange): undefined {
  // What it names would be removed from what we send: a header of ours, say.
  headers.clear('Connection')
  for (const [name] of headers.lines) {
    if (IDENTITY_HEADERS.has(name.toLowerCase().replaceAll('_', '-'))) headers.clear(name)
  }
  shared.set(CLIENT_AUTHORIZATION, headers.values('authorization')[0] ?? '')
}

function requireReplacedAuthorization({ headers, shared }: Exchange): Exit | undefined {
  const values = headers.values('authorization')
  const client = shared.get(CLIENT_AUTHORIZATION)
  const replaced = values.length === 1 && values[0] !== '' && values[0] !== client
  // Without the first guard nobody knows what the client sent.
  if (replaced && client !== undefined) return undefined
  return {
    status: 503,
    body: '{"error":"temporarily_unavailable"}',
    headers: { 'Content-Type': 'application/json' },
  }
}
