import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Connection } from '../../../storage/connections.ts'
import type { EndConnections } from '../connections/end.ts'
import { type AccessToken, createTokenVerifier } from '../door/access-token.ts'
import { connectionProblem } from '../door/connection-problem.ts'
import type { Settings } from '../config/settings.ts'

export interface StructuredTokenParts {
  readonly settings: Settings
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** From the database, not from a cache. */
  readonly findConnection: (id: string) => Promise<Connection | undefined>
  readonly end: EndConnections
}

/** An access token that is good now, and the connection behind it. */
interface Live {
  readonly token: AccessToken
  readonly connection: Connection
}

/**
 * RFC 7009 and RFC 7662 for access tokens that are JWTs, which oidc-provider answers with
 * `unsupported_token_type`, and only once it has authenticated the client. A client revokes its own
 * tokens, and with them the connection; another's, an expired or a forged one is answered as if it
 * were unknown. Only resource servers learn whether a token is active.
 */
export function serveStructuredTokens(provider: Provider, parts: StructuredTokenParts): void {
  const { settings, now, findConnection, end } = parts
  const verify = createTokenVerifier(settings, now)

  async function findLive(jwt: string): Promise<Live | undefined> {
    const verdict = await verify(jwt)
    if ('refused' in verdict) return undefined
    const { token } = verdict
    const connection = await findConnection(token.sid)
    if (!connection || connectionProblem(token, connection, now())) return undefined
    return { token, connection }
  }

  provider.use(async (ctx, next) => {
    await next()
    const { oidc } = ctx as { oidc?: KoaContextWithOIDC['oidc'] }
    const jwt = oidc?.params?.token
    if (!oidc || typeof jwt !== 'string' || !isUnsupported(ctx.body)) return
    const client_id = oidc.entities.Client?.clientId
    if (oidc.route === 'revocation') {
      const verdict = await verify(jwt)
      // The profile of the connection is not opened: also one that does not open can be ended.
      if ('token' in verdict && verdict.token.client_id === client_id) {
        const { sid: id, sub: user_id, org_id } = verdict.token
        await end({ id, user_id, org_id, client_id }, { reason: 'client_revoked', req: ctx.req })
      }
      ctx.status = 200
      ctx.body = ''
    }
    if (oidc.route === 'introspection') {
      const live = await findLive(jwt)
      const allowed = settings.resource_servers.some(({ id }) => id === client_id)
      ctx.status = 200
      ctx.body = allowed && live ? introspection(settings, live) : { active: false }
    }
  })
}

/** RFC 7662 2.2, with what RFC 9068 puts into the token itself. */
function introspection({ issuer, resource }: Settings, { token }: Live): object {
  const { sub, sid, org_id, client_id, scope, jti, exp, iat } = token
  return {
    active: true,
    token_type: 'Bearer',
    iss: issuer,
    aud: resource,
    ...{ sub, sid, org_id, client_id, scope, jti, exp, iat },
  }
}

function isUnsupported(body: unknown): boolean {
  return (
    typeof body === 'object' &&
    body !== null &&
    'error' in body &&
    body.error === 'unsupported_token_type'
  )
}
