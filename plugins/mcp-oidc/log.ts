import { pino } from 'pino'
import { describeError } from '../../storage/describe-error.ts'

/** Where refused and failed requests are told to the operator. Never given a token, code or key. */
export interface Log {
  error(detail: object, message: string): void
  warn(detail: object, message: string): void
  info(detail: object, message: string): void
}

/** JSON lines on standard output, which Kong passes on to its own log. */
export function createLog(name: string): Log {
  // Not pino's own destination: once its reader is gone, that one never lets the process end.
  return pino({ name, serializers: { err: describeError } }, process.stdout)
}
