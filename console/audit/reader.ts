import type { AuditReader } from '../../storage/audit-filter.ts'
import type { Viewer } from '../session/viewer.ts'

/** Whose events a page shows: an organization's that the viewer answers for, or the viewer's own. */
export interface Whose {
  readonly reader: AuditReader
  /** Undefined for the viewer's own. */
  readonly org_id: string | undefined
}

/**
 * What was asked for (see `Search.org`) as far as the viewer may see it; undefined when they may not, in the
 * same way whether there is such an organization or none.
 */
export function whoseEvents(viewer: Viewer, asked: string | undefined): Whose | undefined {
  const org_id = asked ?? viewer.admin_org_ids[0] ?? ''
  if (org_id === '')
    return { reader: { user_id: viewer.user_id, org_ids: viewer.org_ids }, org_id: undefined }
  return viewer.admin_org_ids.includes(org_id) ? { reader: { org_id }, org_id } : undefined
}
