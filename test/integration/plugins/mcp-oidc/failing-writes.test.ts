import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import {
  type AuthorizationServer,
  authorizationRequest,
  callback,
  formOf,
  openAuthorizationServer,
  openBrowser,
  register,
  signIn,
  token,
} from '../../../support/authorization-server.ts'

describe('a step of a sign-in that the database does not take', () => {
  let server: AuthorizationServer
  beforeAll(async () => {
    server = await openAuthorizationServer(url => ({
      clients: [
        {
          ...{ client_id: 'ours', name: 'Our own pages', first_party: true },
          ...{ token_endpoint_auth_method: 'client_secret_basic', client_secret: 'c'.repeat(32) },
          redirect_uris: [`${url}/pages/callback`],
        },
      ],
    }))
  })
  afterAll(() => server.close())

  /** What `step` gives while the database refuses such rows. */
  async function without<T>(table: string, rows: string, step: () => Promise<T>): Promise<T> {
    const name = sql.raw('failing')
    await sql`alter table ${sql.table(table)} add constraint ${name} check (not (${sql.raw(rows)})) not valid`.execute(
      server.db,
    )
    try {
      return await step()
    } finally {
      await sql`alter table ${sql.table(table)} drop constraint ${name}`.execute(server.db)
    }
  }

  const count = async (table: 'connections' | 'approvals') =>
    (await server.db.selectFrom(table).select('user_id').execute()).length
  const models = async (): Promise<readonly string[]> =>
    (await server.db.selectFrom('oidc_records').select('model').distinct().execute()).map(
      ({ model }) => model,
    )

  async function consentPage() {
    const { client_id } = await register(server.url)
    const browser = openBrowser()
    const request = authorizationRequest(server.url, client_id)
    const page = await signIn(browser, request.url)
    const approve = () =>
      browser.submit(page, formOf(page), { press: { name: 'decision', value: 'approve' } })
    return { client_id, browser, request, page, approve }
  }

  it.each([
    ['the event', 'audit_events', "type = 'consent'"],
    ['the grant', 'oidc_records', "model = 'Grant'"],
    ['the approval', 'approvals', 'true'],
  ])('A01 answers nothing without %s, and can be taken again', async (_, table, rows) => {
    await server.db.deleteFrom('connections').execute()
    await server.db.deleteFrom('approvals').execute()
    const { approve, browser, client_id, request } = await consentPage()
    const failed = await without(table, rows, approve)
    expect([failed.status, failed.intercepted]).toEqual([503, false])
    expect([await count('connections'), await count('approvals')]).toEqual([0, 0])
    const done = await approve()
    expect(done.intercepted).toBe(true)
    expect(await count('connections')).toBe(1)
    const redemption = {
      ...{ grant_type: 'authorization_code', client_id, redirect_uri: callback },
      code: done.url.searchParams.get('code') ?? '',
      code_verifier: request.code_verifier,
    }
    expect((await token(server.url, redemption)).status).toBe(200)
    expect((await browser.open(request.url)).status).toBe(200)
  })

  it.each([
    ['its event', 'audit_events', "type = 'consent'"],
    ['its result', 'oidc_records', "model = 'Interaction'"],
  ])(
    'A07 denies nothing without %s, and the client is told the next time',
    async (_, table, rows) => {
      const { browser, page } = await consentPage()
      const deny = () =>
        browser.submit(page, formOf(page), { press: { name: 'decision', value: 'deny' } })
      const failed = await without(table, rows, deny)
      expect([failed.status, failed.intercepted]).toEqual([503, false])
      const done = await deny()
      expect(done.intercepted).toBe(true)
      expect(done.url.searchParams.get('error')).toBe('access_denied')
    },
  )

  it.each([
    ['who it is', 'signed_in_people', 'true'],
    ['the grant', 'oidc_records', "model = 'Grant'"],
  ])(
    'C01 signs nobody in to a page of ours without %s, and does the next time',
    async (_, table, rows) => {
      const browser = openBrowser()
      const redirect_uri = `${server.url}/pages/callback`
      const asked = { redirect_uri, scope: 'openid', resource: undefined }
      const request = authorizationRequest(server.url, 'ours', asked)
      const failed = await without(table, rows, () => signIn(browser, request.url))
      expect(failed.status).toBe(503)
      const done = await browser.open(failed.url)
      expect(done.url.href.split('?')[0]).toBe(redirect_uri)
      expect(done.url.searchParams.has('code')).toBe(true)
    },
  )

  it('A01 makes no code that it cannot write, and makes one when the browser comes again', async () => {
    await server.db.deleteFrom('oidc_records').execute()
    const { approve } = await consentPage()
    const failed = await without('oidc_records', "model = 'AuthorizationCode'", approve)
    expect([failed.status, failed.intercepted]).toEqual([503, false])
    expect(await models()).not.toContain('CarriedAnswer')
    // The page again, whose request was answered: it leads on to the client.
    const done = await approve()
    expect(done.intercepted).toBe(true)
    expect(done.url.searchParams.get('code')).not.toBeNull()
    expect(await models()).toContain('CarriedAnswer')
  })

  it('A04 begins nothing that it cannot bind to its browser', async () => {
    await server.db.deleteFrom('oidc_records').execute()
    const { client_id } = await register(server.url)
    const { url } = authorizationRequest(server.url, client_id)
    const failed = await without('oidc_records', "model = 'InteractionBrowser'", () =>
      openBrowser().open(url),
    )
    expect(failed.status).toBe(503)
    expect(await models()).toEqual(['Client'])
  })

  it('leads to no consent page when the sign-in is not on record', async () => {
    await server.db.deleteFrom('oidc_records').execute()
    const failed = await without('audit_events', "type = 'sign_in'", async () => {
      const { client_id } = await register(server.url)
      return signIn(openBrowser(), authorizationRequest(server.url, client_id).url)
    })
    expect(failed.status).toBe(503)
    expect(await models()).not.toContain('PendingConsent')
  })
})
