import { errors } from 'oidc-provider'

/** 503 with words for the client: nothing is wrong with its request, and it may send it again. */
export function temporarilyUnavailable(error_description: string): Error {
  const error = new errors.CustomOIDCProviderError('temporarily_unavailable', error_description)
  return Object.assign(error, { status: 503, statusCode: 503 })
}
