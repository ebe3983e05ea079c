import type { Settings } from '../config/settings.ts'

type Lifetimes = Pick<Settings, 'connection_ttl' | 'connection_ttl_without_idp_refresh'>

/**
 * How long a connection lives from its approval on, seconds. When its identity provider gave nothing
 * to ask with whether the person still has access, they sign in again sooner (requirement T06).
 */
export function connectionLifetime(
  { connection_ttl, connection_ttl_without_idp_refresh }: Lifetimes,
  { idp_refresh_token }: { readonly idp_refresh_token?: string | undefined },
): number {
  return idp_refresh_token === undefined
    ? Math.min(connection_ttl, connection_ttl_without_idp_refresh)
    : connection_ttl
}
