import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { clientKind } from '../../authorization/clients/client-kind.ts'
import type { Settings } from '../../config/settings.ts'
import { displayName } from '../../pages/display-text.ts'
import type { Flow } from '../../sign-in/flow.ts'
import { clientOnPage } from '../../sign-in/interaction.ts'
import { grantableScopes } from '../grantable-scopes.ts'
import type { Shown } from '../shown.ts'

/** The `typ` that tells a request from everything else that is signed with the same keys. */
export const request_typ = 'consent-request+jwt'
/** Within which the service has to take it, seconds. */
const request_ttl = 300

/** What is asked for, and what a decision has to repeat. */
export interface Asked {
  /** This sign-in for this request. It opens nothing: that takes the browser's cookie as well. */
  readonly transaction: string
  readonly sub: string
  /** A decision is for one of them. */
  readonly orgs: readonly string[]
  readonly client_id: string
  readonly redirect_uri: string
  readonly resource: string
  readonly scopes: readonly string[]
}

export function askedFor(
  settings: Pick<Settings, 'resource' | 'scopes'>,
  { interaction, sign_in, pending }: Shown,
): Asked {
  const { oidc, resource } = grantableScopes(settings, interaction.scopes)
  return {
    transaction: `${interaction.uid}.${sign_in}`,
    sub: pending.user_id,
    orgs: pending.orgs,
    client_id: interaction.client_id,
    redirect_uri: interaction.redirect_uri,
    resource: settings.resource,
    scopes: [...oidc, ...resource],
  }
}

/** The request as the service gets it: ES256 with our first key, five minutes, for `audience` alone. */
export async function consentRequest(
  flow: Pick<Flow, 'settings' | 'provider' | 'now'>,
  shown: Shown,
  audience: string,
): Promise<{ readonly jti: string; readonly jwt: string }> {
  const { settings } = flow
  const { interaction, sign_in, pending } = shown
  const [{ kid, key }] = settings.signing_keys
  const issued_at = Math.floor(flow.now() / 1000)
  const jti = randomUUID()
  const { name } = await clientOnPage(flow, interaction)
  const jwt = await new SignJWT({
    ...askedFor(settings, shown),
    email: pending.email,
    // Made plain, as on our own page: a name may hold what makes a page lie about it.
    client_name: displayName(name),
    client_kind: clientKind(interaction.client_id, settings),
    return_to: `${settings.issuer}/connect/${interaction.uid}/consent?sign_in=${sign_in}`,
  })
    .setProtectedHeader({ alg: 'ES256', typ: request_typ, kid })
    .setIssuer(settings.issuer)
    .setAudience(audience)
    .setIssuedAt(issued_at)
    .setExpirationTime(issued_at + request_ttl)
    .setJti(jti)
    .sign(key)
  return { jti, jwt }
}
