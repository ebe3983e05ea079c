import type { Request, RequestHandler } from 'express'
import type { Identity } from './identity.ts'
import { IdentityError } from './identity-error.ts'
import type { VerifyIdentity } from './verify-identity.ts'

/** By request, so that no header, query or other middleware can pretend to be one. */
const identities = new WeakMap<Request, Identity>()

/**
 * Lets a request through only with a verified identity, which `identityOf` then gives. Otherwise
 * 401 with a challenge (RFC 6750 3), or 503 when nobody can tell. No header but Authorization is
 * read. `report` hears of every refusal, for the log; its message is not for the client.
 */
export function requireIdentity(
  verify: VerifyIdentity,
  report: (error: unknown, request: Request) => void,
): RequestHandler {
  return async (request, response, next) => {
    try {
      identities.set(request, await verify(request.headers.authorization))
    } catch (error) {
      report(error, request)
      response.set('cache-control', 'no-store')
      if (error instanceof IdentityError && error.code !== 'keys_unavailable') {
        response.status(401).set('www-authenticate', challenge(error)).json({
          error: 'invalid_token',
          error_description: 'Only requests with an identity assertion of the gateway are served.',
        })
      } else {
        response.status(503).set('retry-after', '5').json({
          error: 'temporarily_unavailable',
          error_description: 'The identity of the caller cannot be verified at the moment.',
        })
      }
      return
    }
    next()
  }
}

/** RFC 6750 3.1: a request that brought nothing gets no error code. */
const challenge = ({ code }: IdentityError) =>
  code === 'missing' ? 'Bearer' : 'Bearer error="invalid_token"'

/** The identity `requireIdentity` verified. Throws when it was not in front of this handler. */
export function identityOf(request: Request): Identity {
  const identity = identities.get(request)
  if (identity === undefined) throw new Error('requireIdentity is not in front of this handler')
  return identity
}
