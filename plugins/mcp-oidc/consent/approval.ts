import {
  type ApprovalKey,
  type EarlierApproval,
  findApprovals,
  useApproval,
} from '../../../storage/approvals.ts'
import type { Settings } from '../config/settings.ts'
import type { Flow } from '../sign-in/flow.ts'
import { grantableScopes } from './grantable-scopes.ts'
import { redirectTarget } from './redirect-target.ts'
import type { Shown } from './shown.ts'

/** What this person would approve for this org. */
export function approvalFor(
  settings: Pick<Settings, 'resource' | 'scopes'>,
  { interaction, pending }: Shown,
  org_id: string,
): { readonly key: ApprovalKey; readonly scopes: readonly string[] } {
  const { oidc, resource } = grantableScopes(settings, interaction.scopes)
  return {
    key: {
      user_id: pending.user_id,
      org_id,
      client_id: interaction.client_id,
      redirect: redirectTarget(interaction.redirect_uri),
      resource: settings.resource,
    },
    scopes: [...oidc, ...resource],
  }
}

/** What the person approved before for the org that there is; nothing when there is one to choose. */
export async function approvedBefore(
  flow: Flow,
  shown: Shown,
): Promise<readonly EarlierApproval[]> {
  const [org_id, ...others] = shown.pending.orgs
  if (org_id === undefined || others.length > 0) return []
  return findApprovals(flow.store.db, approvalFor(flow.settings, shown, org_id).key)
}

/**
 * The org for which all of this was approved before (requirement A08), by a person who wants not to be
 * asked again. Undefined when they are asked: also when somebody else's page may have sent them here,
 * the client wants them to be asked, or there is an org to choose.
 *
 * RFC 8252 8.6 wants nobody connected without having done anything, since a native application
 * proves nothing with its client id. They have: the page that names the client always comes first.
 */
export async function rememberedOrg(
  flow: Flow,
  shown: Shown,
  before: readonly EarlierApproval[],
): Promise<string | undefined> {
  const { interaction, pending } = shown
  const [org_id, ...others] = pending.orgs
  if (org_id === undefined || others.length > 0) return undefined
  if (!interaction.begun_by_person || interaction.prompts.includes('consent')) return undefined
  const { key, scopes } = approvalFor(flow.settings, shown, org_id)
  const skips = before.some(
    ({ redirect, skips_consent }) => skips_consent && redirect === key.redirect,
  )
  if (!skips) return undefined
  return (await useApproval(flow.store.db, key, scopes)) ? org_id : undefined
}

/** What the person has allowed this client before, for the page to tell apart from what is new. */
export function allowedBefore(
  { interaction }: Shown,
  before: readonly EarlierApproval[],
): { readonly scopes: readonly string[]; readonly new_address: boolean } {
  const target = redirectTarget(interaction.redirect_uri)
  return {
    scopes: before.flatMap(({ scopes }) => scopes),
    new_address: before.length > 0 && !before.some(({ redirect }) => redirect === target),
  }
}
