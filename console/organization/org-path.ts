/** The path of a page of an org. */
export function orgPath(org_id: string, page: string): string {
  return `/console/orgs/${encodeURIComponent(org_id)}/${page}`
}
