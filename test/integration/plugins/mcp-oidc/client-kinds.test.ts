import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  approve,
  type AuthorizationServer,
  authorizationRequest,
  callback,
  formOf,
  openAuthorizationServer,
  openBrowser,
  signIn,
  token,
} from '../../../support/authorization-server.ts'
import { newClient } from '../../../support/consent-steps.ts'
import { type DocumentServer, json, openDocumentServer } from '../../../support/document-server.ts'

let documents: DocumentServer
let server: AuthorizationServer
let document_url: string
beforeAll(async () => {
  documents = await openDocumentServer()
  document_url = `https://localhost:${documents.port}/client.json`
  const members = { client_name: 'Documented', redirect_uris: [callback] }
  documents.respond = json({ client_id: document_url, ...members })
  server = await openAuthorizationServer({
    cimd_private_hosts: [`localhost:${documents.port}`],
    cimd_ca_certificates: documents.ca,
    clients: [{ client_id: 'known', name: 'Known', redirect_uris: [callback] }],
  })
})
afterAll(() => Promise.all([server.close(), documents.close()]))

const eventsOf = (client_id: string) =>
  server.db
    .selectFrom('audit_events')
    .select(['type', 'outcome', 'client_kind'])
    .where('client_id', '=', client_id)
    .orderBy('id')
    .execute()

/** Denied once, then approved, refreshed and revoked. */
async function live(client_id: string): Promise<string> {
  const one = openBrowser()
  const page = await signIn(one, authorizationRequest(server.url, client_id).url)
  await one.submit(page, formOf(page), { press: { name: 'decision', value: 'deny' } })
  const browser = openBrowser()
  const request = authorizationRequest(server.url, client_id)
  const code = (await approve(browser, await signIn(browser, request.url))).get('code') ?? ''
  const { body } = await token(server.url, {
    ...{ grant_type: 'authorization_code', client_id, code, redirect_uri: callback },
    code_verifier: request.code_verifier,
  })
  const { refresh_token } = body
  await token(server.url, { grant_type: 'refresh_token', client_id, refresh_token })
  const revocation = new URLSearchParams({ client_id, token: body.access_token })
  await fetch(`${server.url}/revoke`, { method: 'POST', body: revocation })
  return page.html
}

describe('R02 R03 what a client is', () => {
  it.each([
    ['verified_host', () => Promise.resolve(document_url), '>Verified<', []],
    ['pre_registered', () => Promise.resolve('known'), '>Verified<', []],
    ['self_declared', () => newClient(server.url), 'Not verified', ['registration']],
  ] as const)(
    'M05 A07 is in every event as the consent page shows it: %s',
    async (client_kind, clientOf, shown, before) => {
      const client_id = await clientOf()
      expect(await live(client_id)).toContain(shown)
      const events = await eventsOf(client_id)
      expect(new Set(events.map(event => event.client_kind))).toEqual(new Set([client_kind]))
      expect(events.map(({ type }) => type)).toEqual([
        ...[...before, 'sign_in', 'consent', 'sign_in', 'consent'],
        ...['token', 'refresh', 'revocation'],
      ])
    },
  )

  it('M05 is not said of one whose document was refused: nobody vouched for it', async () => {
    const client_id = `https://localhost:${documents.port}/other.json`
    await openBrowser().open(authorizationRequest(server.url, client_id).url)
    expect(await eventsOf(client_id)).toEqual([
      { type: 'registration', outcome: 'refused', client_kind: null },
    ])
  })
})
