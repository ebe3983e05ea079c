/** What a call needs beyond a signed-in user; all of it. */
export interface Needs {
  readonly permission?: string | undefined
  /** An OAuth scope (RFC 6749 3.3). */
  readonly scope?: string | undefined
}

/** What a call needs on top when an argument is given, or has one of these values. */
export interface Condition extends Needs {
  readonly argument: string
  readonly equals?: readonly (string | number | boolean)[] | undefined
}

export interface ToolRule extends Needs {
  readonly when: readonly Condition[]
}

/** config/permissions.yml, checked. Maps, because names come from outside. */
export interface Policy {
  /** What a role may do. A role that is not here may do nothing. */
  readonly roles: ReadonlyMap<string, ReadonlySet<string>>
  /** What an organization may do at most. One that is not here has no bound. */
  readonly organizations: ReadonlyMap<string, ReadonlySet<string>>
  /** Exactly the server's tools. */
  readonly tools: ReadonlyMap<string, ToolRule>
}
