export interface DescribedError {
  readonly type: string
  readonly message: string
  readonly stack?: string
  readonly cause?: DescribedError
}

/**
 * What a log line says about an error: never its further members, which may hold a request's body or
 * a token.
 */
export function describeError(error: unknown): DescribedError {
  if (!isError(error)) return { type: typeof error, message: String(error) }
  const { name, message, stack, cause } = error
  return {
    type: name,
    message,
    ...(stack === undefined ? {} : { stack }),
    ...(isError(cause) && cause !== error ? { cause: describeError(cause) } : {}),
  }
}

/** By its shape: an error of another realm (a plugin in a `vm` context) is no instance of ours. */
function isError(value: unknown): value is Error {
  if (typeof value !== 'object' || value === null) return false
  return 'message' in value && typeof value.message === 'string' && 'name' in value
}
