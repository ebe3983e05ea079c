import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { visit } from '../support/console.ts'
import { obtainTokens } from '../support/oauth-flow.ts'
import { expectSoon } from '../support/soon.ts'
import { describeOwnStack, openGateway, type OpenGateway } from '../support/stack.ts'
import { callWhoami } from '../support/tool-call.ts'

/** The console behind the gateway, each part a process of its own, by the configuration that is shipped. */
describeOwnStack('the console', 'a console behind it', () => {
  let gateway: OpenGateway
  beforeAll(async () => {
    gateway = await openGateway(undefined, undefined, { with_console: true })
  }, 60_000)
  afterAll(() => gateway.close())

  it('C01 T08 ends a connection, whose client is refused from its next call on; signing out ends none', async () => {
    const [one, other] = [
      await obtainTokens(gateway.url, { metadata: { client_name: 'To be ended' } }),
      await obtainTokens(gateway.url, { metadata: { client_name: 'To go on' } }),
    ]
    const call = async ({ access_token }: { readonly access_token: string }) =>
      (await callWhoami(gateway.url, { token: access_token })).status
    expect([await call(one), await call(other)]).toEqual([200, 200])

    const { browser, page } = await visit(gateway, 'alice@acme.example')
    expect(page.status).toBe(200)
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    // The newest connection is the first.
    const names = [...page.html.matchAll(/aria-label="End the connection of ([^,]+),/g)]
    expect(names.map(([, name]) => name)).toEqual(['To go on', 'To be ended'])
    const last = page.forms.filter(({ action }) => action.endsWith('/revoke')).at(-1)
    if (!last) throw new Error('there is nothing to end')
    const ended = await browser.submit(page, last)
    expect(ended.html).toContain('The connection has ended.')
    await expectSoon(() => call(one), 401)
    expect(await call(other)).toBe(200)

    const sign_out = ended.forms.find(({ action }) => action === '/console/sign-out')
    if (!sign_out) throw new Error('there is no way to sign out')
    const gone = await browser.submit(ended, sign_out)
    expect(gone.url.href).toBe(`${gateway.url}/console/signed-out`)
    expect(await call(other)).toBe(200)
  })
})
