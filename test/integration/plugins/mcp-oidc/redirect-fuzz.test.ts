import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { inject } from 'light-my-request'
import {
  type AuthorizationServer,
  authorizationRequest,
  openAuthorizationServer,
} from '../../../support/authorization-server.ts'
import { registrationBody } from '../../../support/registration-bodies.ts'
import { sameAsRegistered, unsafe } from '../../../support/redirect-oracle.ts'
import { registered_uris, trickedUri } from '../../../support/redirect-tricks.ts'
import { tryRegistration } from '../../../support/try-registration.ts'

const seed = 20_260_728
const patience = 60_000
let server: AuthorizationServer
beforeAll(async () => {
  server = await openAuthorizationServer()
})
afterAll(() => server.close())

describe('an attacker at the real endpoints', () => {
  it(
    'R04 registers nothing that a browser would take elsewhere, and meets no failure',
    async () => {
      const answered = { 201: 0, 400: 0 }
      for (const body of fc.sample(registrationBody, { seed, numRuns: 150 })) {
        const { status, wrong } = await tryRegistration(server.runtime.app, body, server.settings)
        expect(wrong).toBeUndefined()
        answered[status as 201 | 400] += 1
      }
      expect(Object.keys(answered)).toEqual(['201', '400'])
      expect(Math.min(...Object.values(answered))).toBeGreaterThan(20)
    },
    patience,
  )

  it(
    'R05 A02 is sent on for a registered redirect URI, and gets a page and no redirect for any other',
    async () => {
      const client_id = await registerAll()
      const seen = { on: 0, page: 0 }
      // Also with an error to tell: that is where a redirect nobody looked at would be taken.
      const wishes = [{}, { response_type: 'token' }, { code_challenge: undefined }]
      const uri = fc.oneof(
        { arbitrary: trickedUri(registered_uris), weight: 5 },
        { arbitrary: fc.constantFrom(...registered_uris), weight: 1 },
      )
      for (const [n, redirect_uri] of fc.sample(uri, { seed, numRuns: 180 }).entries()) {
        const parameters = { ...wishes[n % wishes.length], redirect_uri }
        const { pathname, search } = authorizationRequest(server.url, client_id, parameters).url
        // Without cookies: nobody is taken for a browser that goes in circles.
        const { statusCode, headers } = await inject(server.runtime.app, pathname + search)
        const allowed =
          unsafe(redirect_uri, server.settings) === undefined &&
          sameAsRegistered(redirect_uri, registered_uris)
        const redirected = headers.location !== undefined
        expect({ redirect_uri, redirected, statusCode }).toEqual({
          redirect_uri,
          redirected: allowed,
          statusCode: allowed ? 303 : 400,
        })
        seen[allowed ? 'on' : 'page'] += 1
      }
      expect(seen.on).toBeGreaterThan(20)
      expect(seen.page).toBeGreaterThan(100)
    },
    patience,
  )
})

/** A client with every redirect URI there is. */
async function registerAll(): Promise<string> {
  const body = JSON.stringify({ redirect_uris: registered_uris, client_name: 'Everywhere' })
  const { payload, wrong } = await tryRegistration(server.runtime.app, body, server.settings)
  expect(wrong).toBeUndefined()
  return (JSON.parse(payload) as { client_id: string }).client_id
}
