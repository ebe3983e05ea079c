import { z } from 'zod'
import type { LogMessage } from './log-message.ts'

/** Where Kong's log message may hold authorization codes, cookies or other secrets. */
export const sensitive_fields = [
  'request.querystring',
  'request.uri',
  'request.url',
  'request.headers.cookie',
  'request.headers.referer',
  'response.headers.location',
  'response.headers.set-cookie',
  'upstream_uri',
] as const

/** Field names of the log message, and the Lua that makes their values in Kong. */
export const custom_fields_by_lua = z.record(z.string(), z.string()).nullish()
type CustomFields = z.output<typeof custom_fields_by_lua>

/** Fields of our own in config/kong.yml, which have an equivalent here: who the request was for. */
const identity_fields = { user_id: 'x-user-id', org_id: 'x-org-id' } as const

/**
 * What a log plugin writes here: Lua runs in Kong only, so every field that it would set is left
 * out, as `return nil` does in Kong, and the sensitive ones always are.
 */
export function createRedaction(custom_fields: CustomFields): (message: LogMessage) => unknown {
  const fields = new Set([...sensitive_fields, ...Object.keys(custom_fields ?? {})])
  const paths = [...fields].map(field => field.split('.'))
  const identities = Object.entries(identity_fields).filter(([name]) =>
    Object.hasOwn(custom_fields ?? {}, name),
  )
  return message => {
    const named = identities.flatMap(([name, header]) => {
      const value = message.request.headers[header]
      return value === undefined ? [] : [[name, value] as const]
    })
    return { ...(paths.reduce<unknown>(without, message) as object), ...Object.fromEntries(named) }
  }
}

/** What to tell the operator of a log plugin. */
export function redactionNotice(custom_fields: CustomFields): string {
  const given = Object.keys(custom_fields ?? {})
  const missing = sensitive_fields.filter(field => !given.includes(field))
  const lua =
    'Lua runs in Kong only; here what custom_fields_by_lua names and all that may hold secrets is left out'
  return missing.length === 0
    ? lua
    : `${lua}. Kong would write in clear, for want of custom_fields_by_lua: ${missing.join(', ')}`
}

function without(value: unknown, [name = '', ...rest]: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return value
  const { [name]: inner, ...others } = value as Record<string, unknown>
  return rest.length === 0 ? others : { ...others, [name]: without(inner, rest) }
}
