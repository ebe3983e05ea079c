/** What references are resolved from. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Whether a value is a reference to a secret. */
export function isReference(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith('{vault://')
}

/** The secret behind Kong's `{vault://env/name-of-it}`, or why there is none. */
export function resolveReference(
  reference: string,
  environment: Environment,
): { readonly value: string } | { readonly problem: string } {
  const name = /^\{vault:\/\/env\/([\w-]+)\}$/.exec(reference)?.[1]
  if (name === undefined) {
    return { problem: 'the local gateway resolves {vault://env/name-of-it} only' }
  }
  const variable = name.toUpperCase().replaceAll('-', '_')
  const value = environment[variable]
  return value ? { value } : { problem: `the environment variable ${variable} is not set` }
}
