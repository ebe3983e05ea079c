/** Who is calling, as the gateway vouches for it. Claim names that need it are spelled out. */
export interface Identity {
  /** `sub` */
  readonly user_id: string
  readonly org_id: string
  readonly email: string
  readonly roles: readonly string[]
  /** Granted scopes, separated by spaces. */
  readonly scope: string
  /** The AI client that acts for the user. */
  readonly client_id: string
  /** `sid`: the approval this call rests on; one user may have several. */
  readonly connection_id: string
}
