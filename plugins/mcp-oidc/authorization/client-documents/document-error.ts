/**
 * A client's metadata document, or its keys, cannot be had. The message is for the client and for the
 * person in front of it; what it would tell of our network is in the cause, for the log.
 */
export class DocumentError extends Error {
  override readonly name = 'DocumentError'
  /** Whether it may be otherwise in a minute. */
  readonly transient: boolean

  constructor(message: string, options: { transient: boolean; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.transient = options.transient
  }
}

/**
 * One sentence for an address that we refuse, a name that does not resolve, a server that does not
 * answer or has no certificate for the name: whoever asks learns nothing about what is behind us.
 */
export function notFetched(cause: unknown): DocumentError {
  return new DocumentError('it could not be fetched over https from a public address', {
    transient: true,
    cause,
  })
}

export function refused(message: string): DocumentError {
  return new DocumentError(message, { transient: false })
}
