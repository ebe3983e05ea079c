import { INTERNAL_ERROR } from '@modelcontextprotocol/server'
import type { Recorder } from '../audit/recorder.ts'

export interface RpcError {
  readonly code: number
  readonly message: string
}

/**
 * Puts a protocol error on record before it is sent. Gives the error to send in its place when that
 * failed: whoever asked is told that it is our fault, and the SDK's own words do not leave.
 */
export async function recordRefusal(
  recorder: Recorder,
  { code, message }: RpcError,
): Promise<RpcError | undefined> {
  try {
    await recorder.record({
      type: 'refusal',
      outcome: 'refused',
      error_code: String(code),
      reason: message.slice(0, 500),
    })
    return undefined
  } catch {
    // The recorder has logged why.
    return { code: INTERNAL_ERROR, message: 'The request could not be recorded. Try again later.' }
  }
}
