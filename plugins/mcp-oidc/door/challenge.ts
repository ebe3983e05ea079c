import type { Headers } from '../../../gateway/plugin-server/pdk.ts'
import type { Settings } from '../config/settings.ts'

/** Kinds of refusal, few enough to be counted apart. */
export const refusal_reasons = [
  'no_token',
  'malformed',
  'invalid_token',
  'expired',
  'connection',
  'scope',
  'message',
] as const
export type RefusalReason = (typeof refusal_reasons)[number]

/** A refusal we mean to send: status, coded error and a sentence for the person who reads it. */
export interface Refusal {
  readonly refused: true
  readonly status: 401 | 403
  readonly body: string
  readonly headers: Headers
  readonly reason: RefusalReason
  /** For the log only. */
  readonly detail: string
}

export type ChallengeSettings = Pick<Settings, 'issuer' | 'resource_path' | 'scopes'>

/**
 * RFC 6750 3.1: `error` only when credentials were sent. RFC 9728 5.1: where the metadata is.
 * `scopes` are those the client is to ask for; the default ones unless told.
 */
export function refuse(
  settings: ChallengeSettings,
  error: 'invalid_token' | 'insufficient_scope' | undefined,
  description: string,
  reason: RefusalReason,
  detail: string,
  scopes: readonly string[] = settings.scopes
    .filter(scope => scope.default)
    .map(({ name }) => name),
): Refusal {
  const parameters = {
    ...(error ? { error, error_description: description } : {}),
    resource_metadata: `${settings.issuer}/.well-known/oauth-protected-resource${settings.resource_path}`,
    scope: scopes.join(' '),
  }
  return {
    refused: true,
    status: error === 'insufficient_scope' ? 403 : 401,
    body: JSON.stringify({ error: error ?? 'unauthorized', error_description: description }),
    headers: {
      'www-authenticate': `Bearer ${Object.entries(parameters)
        .map(([name, value]) => `${name}="${value}"`)
        .join(', ')}`,
      'content-type': 'application/json',
      'cache-control': 'no-store',
    },
    reason,
    detail,
  }
}
