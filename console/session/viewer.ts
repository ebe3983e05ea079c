import type { Response } from 'express'

/** Who looks at a page, with what they may do as storage has it at this request. */
export interface Viewer {
  readonly user_id: string
  readonly email: string
  /** The orgs they belong to. */
  readonly org_ids: readonly string[]
  /** Those of them whose admin they are. */
  readonly admin_org_ids: readonly string[]
}

/** Throws when `requireViewer` was not in front. */
export function viewerOf(response: Response): Viewer {
  const { viewer } = response.locals as { readonly viewer?: Viewer }
  if (!viewer) throw new TypeError('requireViewer is not in front of this handler')
  return viewer
}
