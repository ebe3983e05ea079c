import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import {
  approve,
  type AuthorizationServer,
  authorizationRequest,
  callback,
  formOf,
  openAuthorizationServer,
  openBrowser,
  register,
  signIn,
} from '../../../support/authorization-server.ts'

describe('a client that registered itself', () => {
  let server: AuthorizationServer
  beforeAll(async () => {
    server = await openAuthorizationServer()
  })
  afterAll(() => server.close())
  beforeEach(() => server.db.deleteFrom('oidc_records').execute())

  const rows = () => server.db.selectFrom('oidc_records').select(['model', 'payload']).execute()
  const kept = async () => (await rows()).filter(({ model }) => model === 'InteractionClient')

  it('is kept with a request', async () => {
    const { client_id } = await register(server.url)
    await openBrowser().open(authorizationRequest(server.url, client_id).url)
    expect(await kept()).toHaveLength(1)
  })

  it('R06 is not copied with each request when it registered as much as it may, and connects', async () => {
    const others = Array.from({ length: 25 }, (_, n) => `https://${n}.example/${'x'.repeat(2_000)}`)
    const redirect_uris = [callback, ...others]
    const { client_id } = await register(server.url, { redirect_uris, client_name: 'Large' })
    const browser = openBrowser()
    const page = await signIn(browser, authorizationRequest(server.url, client_id).url)
    expect(page.says).toContain('Large')
    expect(await kept()).toEqual([])
    const others_bytes = (await rows())
      .filter(({ model }) => model !== 'Client')
      .reduce((bytes, { payload }) => bytes + payload.length, 0)
    expect(others_bytes).toBeLessThan(16_384)
    expect((await approve(browser, page)).get('code')).toMatch(/./)
  })

  it('T10 is looked up before the answer takes a database connection: as many as there are go on', async () => {
    const pages = []
    for (let n = 0; n < 12; n += 1) {
      const { client_id } = await register(server.url, { client_name: `Client ${n}` })
      const browser = openBrowser()
      const request = authorizationRequest(server.url, client_id)
      pages.push({ browser, page: await signIn(browser, request.url) })
    }
    // As a release that kept none left it.
    await server.db.deleteFrom('oidc_records').where('model', '=', 'InteractionClient').execute()
    const press = { name: 'decision', value: 'approve' }
    const done = await Promise.all(
      pages.map(({ browser, page }) => browser.submit(page, formOf(page), { press })),
    )
    expect(done.map(({ intercepted }) => intercepted)).toEqual(pages.map(() => true))
  })
})
