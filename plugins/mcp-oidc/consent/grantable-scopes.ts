import type { Settings } from '../config/settings.ts'

/** Those of the scopes asked for that an approval grants. */
export function grantableScopes(
  { scopes }: Pick<Settings, 'scopes'>,
  asked: readonly string[],
): { readonly oidc: readonly string[]; readonly resource: readonly string[] } {
  return {
    oidc: asked.filter(scope => scope === 'openid' || scope === 'offline_access'),
    resource: asked.filter(scope => scopes.some(({ name }) => name === scope)),
  }
}
