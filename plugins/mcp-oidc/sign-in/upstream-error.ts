import * as client from 'openid-client'

/** The identity provider could not be asked, or its answer did not hold: not the user's fault. */
export class UpstreamError extends Error {
  readonly code: 'unreachable' | 'rejected'

  constructor(code: 'unreachable' | 'rejected', cause: unknown) {
    super(
      `identity provider ${code === 'unreachable' ? 'could not be reached' : 'gave an answer that does not hold'}`,
      { cause },
    )
    this.name = 'UpstreamError'
    this.code = code
  }
}

/** Tells an outage from an answer that must not be believed. */
export function upstreamError(cause: unknown): UpstreamError {
  const unreachable =
    cause instanceof TypeError ||
    (cause instanceof client.ClientError && cause.code === 'OAUTH_TIMEOUT')
  return new UpstreamError(unreachable ? 'unreachable' : 'rejected', cause)
}

/** Rejects with UpstreamError when the answer does. */
export async function judged<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throw upstreamError(error)
  }
}
