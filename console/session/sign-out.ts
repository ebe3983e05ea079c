import type { RequestHandler } from 'express'
import type { SignInSettings } from './sign-in.ts'

/**
 * POST /console/sign-out: ends the session here, then has the gateway end its own of this browser (OpenID
 * Connect RP-Initiated Logout 1.0). AI connections go on.
 */
export function signOut({ gateway_url }: Pick<SignInSettings, 'gateway_url'>): RequestHandler {
  return (_request, response) =>
    response.oidc.logout({ returnTo: `${gateway_url}/console/signed-out` })
}
