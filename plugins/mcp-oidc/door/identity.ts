import type { Headers } from '../../../gateway/plugin-server/pdk.ts'

/** Who a request acts for, once its token and its connection are verified. */
export interface Identity {
  readonly user_id: string
  readonly org_id: string
  readonly email: string
  readonly roles: readonly string[]
  readonly client_id: string
  /** Space-separated. */
  readonly scope: string
  readonly connection_id: string
}

/**
 * The headers that take the place of what the client sent. The assertion replaces the client's
 * token, which never goes upstream; the others are for Kong's rate limits and logs.
 */
export function identityHeaders(identity: Identity, assertion: string): Headers {
  return {
    Authorization: `Bearer ${assertion}`,
    'X-User-Id': identity.user_id,
    'X-Org-Id': identity.org_id,
    'X-User-Email': identity.email,
    'X-Client-Id': identity.client_id,
  }
}
