import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { Settings } from '../config/settings.ts'
import type { Identity } from './identity.ts'

export type AssertionSettings = Pick<
  Settings,
  'issuer' | 'upstream_audience' | 'assertion_ttl' | 'signing_keys'
>

/** The `typ` that tells an assertion from access tokens and id_tokens, which share its key set. */
export const assertion_typ = 'gateway-identity+jwt'

/**
 * Signs who a request acts for, for the MCP server alone: ES256, `assertion_ttl` seconds.
 * `now` is in milliseconds.
 */
export function signAssertion(
  settings: AssertionSettings,
  identity: Identity,
  now: number,
): Promise<string> {
  const [{ kid, key }] = settings.signing_keys
  const issued_at = Math.floor(now / 1000)
  return new SignJWT({
    org_id: identity.org_id,
    email: identity.email,
    roles: [...identity.roles],
    scope: identity.scope,
    client_id: identity.client_id,
    sid: identity.connection_id,
  })
    .setProtectedHeader({ alg: 'ES256', typ: assertion_typ, kid })
    .setIssuer(settings.issuer)
    .setAudience(settings.upstream_audience)
    .setSubject(identity.user_id)
    .setIssuedAt(issued_at)
    .setExpirationTime(issued_at + settings.assertion_ttl)
    .setJti(randomUUID())
    .sign(key)
}
