import { afterAll, afterEach, beforeAll, expect } from '@jest/globals'
import type { Browser, Page } from '../../gateway/local/demo/browser.ts'
import { type AuthorizationServer, openAuthorizationServer } from './authorization-server.ts'
import {
  type Claims,
  type ConsentRequest,
  type ConsentService,
  openConsentService,
} from './consent-service.ts'
import { ask, type Asked, newClient } from './consent-steps.ts'
import { signInSteps } from './sign-in-steps.ts'

/** A person who has signed in and is now at the service's screen. */
export interface AtService {
  readonly client_id: string
  readonly browser: Browser
  readonly page: Page
  readonly request: ConsentRequest
}

export const press = (decision: 'approve' | 'deny') => ({
  press: { name: 'decision', value: decision },
})

/** Where the service sends the browser back to, with this. */
export const addressOf = ({ request }: AtService, decision: string) =>
  `${request.return_to}&decision=${encodeURIComponent(decision)}`

/** The service sends the browser back with this. */
export const comeBack = (at: AtService, decision: string) =>
  at.browser.follow(at.page, addressOf(at, decision))

/** For the tests of a file: an authorization server, and a service that decides in its place. */
export function externalConsent() {
  let service: ConsentService
  let server: AuthorizationServer
  beforeAll(async () => {
    service = await openConsentService()
    server = await openAuthorizationServer({
      consent: service.setting,
      org_policies: [{ org: 'globex', unknown_clients: 'deny' }],
    })
    service.gateway = server.url
  })
  afterAll(async () => {
    await server.close()
    await service.close()
  })
  afterEach(() => {
    service.ill = undefined
  })
  const { last, connections } = signInSteps(() => server)

  async function atService(asked: Partial<Asked> = {}): Promise<AtService> {
    const client_id = asked.client_id ?? (await newClient(server.url))
    const { browser, page } = await ask({ url: server.url, client_id, ...asked })
    return { client_id, browser, page, request: await service.read(page.url) }
  }

  const answerOf = ({ request }: AtService, changes: Claims = {}): Claims => ({
    ...service.claims(request, 'approve'),
    ...changes,
  })

  /** A page says what happened and how to go on, the trail says why, and nothing is connected. */
  async function expectRefused(page: Page, error_code: string, before: number): Promise<void> {
    expect([page.status, page.intercepted]).toEqual([403, false])
    expect(page.says).toContain('The decision could not be accepted')
    expect(page.html).toContain('connect again')
    expect(page.html).toContain(error_code)
    expect(await last('consent')).toMatchObject({
      outcome: 'refused',
      error_code,
      email: 'alice@acme.example',
    })
    expect(await connections()).toBe(before)
  }

  return {
    service: () => service,
    server: () => server,
    ...{ answerOf, atService, connections, expectRefused, last },
  }
}
