import * as client from 'openid-client'
import type { IdentityProvider } from '../config/settings.ts'
import { isThin, type Person, personOf, type Refused, together } from './person.ts'
import { judged, UpstreamError } from './upstream-error.ts'

type Tokens = Awaited<ReturnType<typeof client.refreshTokenGrant>>

/**
 * Who an identity provider's answer is about, at a sign-in and at a refresh alike. Some keep the
 * id_token thin: what it lacks is asked for at userinfo, about the same subject. Undefined when there
 * is neither; rejects with UpstreamError when what there is does not hold.
 */
export async function personIn(
  config: client.Configuration,
  idp: IdentityProvider,
  { tokens, idp_sub }: { readonly tokens: Tokens; readonly idp_sub: string },
): Promise<Person | Refused | undefined> {
  const { issuer, userinfo_endpoint } = config.serverMetadata()
  const id_token = tokens.claims()
  if (id_token && id_token.sub !== idp_sub)
    throw new UpstreamError('rejected', new TypeError('the id_token is about another subject'))
  if (id_token && !isThin(id_token, idp)) return personOf(id_token, idp)
  if (!idp.userinfo || userinfo_endpoint === undefined) return id_token && personOf(id_token, idp)
  const userinfo = await judged(client.fetchUserInfo(config, tokens.access_token, idp_sub))
  return personOf(together(id_token ?? { iss: issuer, sub: idp_sub }, userinfo), idp)
}
