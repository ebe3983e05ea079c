/** A configuration that will not start: every problem at once, each naming its setting and the remedy. */
export class ConfigurationError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(
      `mcp-oidc: ${problems.length} problem(s) in the configuration:\n- ${problems.join('\n- ')}`,
    )
    this.name = 'ConfigurationError'
    this.problems = problems
  }
}
