import { pino } from 'pino'

/** Where refused and failed requests are told to the operator. Never given a token, code or key. */
export interface Log {
  error(detail: object, message: string): void
  warn(detail: object, message: string): void
  info(detail: object, message: string): void
}

/** JSON lines on standard output, which Kong passes on to its own log. */
export function createLog(name: string): Log {
  return pino({ name, serializers: { err: describeError } })
}

/**
 * An error for the log: what it is, never what it holds. A constraint violation of PostgreSQL
 * carries the row, an answer of an identity provider its body.
 */
export function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error }
  const code: unknown = 'code' in error ? error.code : undefined
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  }
}
