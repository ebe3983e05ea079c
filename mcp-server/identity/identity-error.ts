export type IdentityErrorCode =
  | 'missing'
  | 'malformed'
  | 'unexpected_header'
  | 'wrong_type'
  | 'wrong_algorithm'
  | 'unknown_key'
  | 'bad_signature'
  | 'expired'
  | 'bad_claims'
  | 'keys_unavailable'

/**
 * Why there is no identity. `keys_unavailable` says that nobody could tell (an outage, 503); every
 * other code that the assertion is not good (401). The message is for the log, not for the client.
 */
export class IdentityError extends Error {
  readonly code: IdentityErrorCode

  constructor(code: IdentityErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'IdentityError'
    this.code = code
  }
}
