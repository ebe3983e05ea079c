import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { AuditSubject } from '../../../storage/audit-event.ts'
import type { Connection } from '../../../storage/connections.ts'
import type { Audit } from '../audit.ts'
import { refreshing } from './refresh/refreshing.ts'

const audited: ReadonlySet<string> = new Set(['token', 'revocation'])

/**
 * Puts every token issued, refreshed or refused on record, and every refused revocation, before the answer leaves. The
 * trail cannot be written: the request fails, and what was issued is not handed out. A connection
 * counts as used when it gets a token.
 */
export function auditTokens(
  provider: Provider,
  audit: Audit,
  findConnection: (id: string) => Promise<Connection | undefined>,
  touch: (id: string) => Promise<void>,
): void {
  provider.use(async (ctx, next) => {
    await next()
    const { oidc } = ctx as { oidc?: KoaContextWithOIDC['oidc'] }
    if (!oidc || !audited.has(oidc.route)) return
    // What a revocation ended is on record, each connection with its reason.
    if (oidc.route === 'revocation' && ctx.status === 200) return
    const event = {
      ...outcome(ctx.status, ctx.body),
      type: eventType(oidc),
      ...(await subject(oidc, findConnection)),
    }
    const staged = refreshing.getStore()?.outcome
    if (staged && event.outcome === 'ok') {
      // On record together with the rotation, or there is none.
      staged.event = event
      return
    }
    await audit(ctx.req, event)
    if (oidc.route === 'token' && event.outcome === 'ok' && event.connection_id !== undefined)
      await touch(event.connection_id)
  })
}

function eventType(oidc: KoaContextWithOIDC['oidc']): 'revocation' | 'refresh' | 'token' {
  if (oidc.route === 'revocation') return 'revocation'
  return oidc.params?.grant_type === 'refresh_token' ? 'refresh' : 'token'
}

function outcome(
  status: number,
  body: unknown,
): { readonly outcome: 'ok' | 'error' | 'refused'; readonly error_code?: string } {
  if (status === 200) return { outcome: 'ok' }
  const { error } = (body ?? {}) as { error?: unknown }
  return {
    outcome: status >= 500 ? 'error' : 'refused',
    error_code: typeof error === 'string' ? error : String(status),
  }
}

async function subject(
  { entities }: KoaContextWithOIDC['oidc'],
  findConnection: (id: string) => Promise<Connection | undefined>,
): Promise<AuditSubject & { readonly idp?: string }> {
  const client_id = entities.Client?.clientId
  const connection_id =
    entities.Grant?.jti ??
    entities.RefreshToken?.grantId ??
    entities.AuthorizationCode?.grantId ??
    refreshing.getStore()?.revoked_connection_id
  const connection = connection_id === undefined ? undefined : await findConnection(connection_id)
  return {
    ...(client_id === undefined ? {} : { client_id }),
    ...(connection_id === undefined ? {} : { connection_id }),
    ...(connection
      ? {
          user_id: connection.user_id,
          org_id: connection.org_id,
          email: connection.profile.email,
          idp: connection.idp_id,
        }
      : {}),
  }
}
