import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  type AuthorizationServer,
  approve,
  authorizationRequest,
  formOf,
  openAuthorizationServer,
  openBrowser,
  signIn,
} from '../../../support/authorization-server.ts'
import { newClient } from '../../../support/consent-steps.ts'
import { signInSteps } from '../../../support/sign-in-steps.ts'

let server: AuthorizationServer
beforeAll(async () => {
  server = await openAuthorizationServer()
})
afterAll(() => server.close())

const { last } = signInSteps(() => server)
const silent = { prompt: 'none' }

describe('A11 a client that answers every error by asking again', () => {
  it('is told twice within a minute; the third time the person is told, and it is on record', async () => {
    const browser = openBrowser()
    const client_id = await newClient(server.url)
    const come = () => browser.open(authorizationRequest(server.url, client_id, silent).url)
    for (let time = 0; time < 2; time += 1)
      expect((await come()).url.searchParams.get('error')).toBe('interaction_required')
    const third = await come()
    expect([third.status, third.intercepted]).toEqual([429, false])
    expect(third.says).toContain('Your application keeps coming back')
    expect(third.html).toContain('interaction_required')
    expect(third.headers.get('retry-after')).toBe('60')
    expect(await last('consent')).toMatchObject({
      outcome: 'refused',
      error_code: 'going_in_circles',
      client_id,
      reason: 'interaction_required',
    })
    await server.db
      .updateTable('oidc_records')
      .set({ expires_at: new Date(Date.now() - 1) })
      .where('model', '=', 'Bounces')
      .execute()
    expect((await come()).intercepted).toBe(true)
  })

  it('stops nobody else: another client, another browser', async () => {
    const [browser, other] = [openBrowser(), openBrowser()]
    const [one, two] = [await newClient(server.url), await newClient(server.url)]
    const come = (at: typeof browser, client_id: string) =>
      at.open(authorizationRequest(server.url, client_id, silent).url)
    for (let time = 0; time < 3; time += 1) await come(browser, one)
    expect((await come(browser, one)).status).toBe(429)
    expect((await come(browser, two)).intercepted).toBe(true)
    expect((await come(other, one)).intercepted).toBe(true)
  })

  it('does not count what a person did: they may connect as often as they like', async () => {
    const browser = openBrowser()
    const client_id = await newClient(server.url)
    for (let time = 0; time < 4; time += 1) {
      const { url } = authorizationRequest(server.url, client_id)
      expect((await approve(browser, await signIn(browser, url))).get('code')).toEqual(
        expect.any(String),
      )
    }
  })

  it('a request that nobody answered leads to its page, not into a circle', async () => {
    const browser = openBrowser()
    const client_id = await newClient(server.url)
    const connect = await browser.open(authorizationRequest(server.url, client_id).url)
    const uid = connect.url.pathname.split('/').at(-1) ?? ''
    const page = await browser.open(`${server.url}/authorize/${uid}`)
    expect(page.url.pathname).toBe(`/connect/${uid}`)
    expect(page.hops).toHaveLength(2)
  })
})

describe('A11 what people do with pages', () => {
  async function begun(user = 'alice@acme.example') {
    const browser = openBrowser()
    const request = authorizationRequest(server.url, await newClient(server.url))
    return { browser, request, consent: await signIn(browser, request.url, user) }
  }

  it('back after the answer: says that it was answered', async () => {
    const { browser, consent } = await begun()
    await approve(browser, consent)
    const [path] = consent.url.href.split('?')
    for (const address of [consent.url.href, path ?? '']) {
      const page = await browser.open(address)
      expect(page.status).toBe(400)
      expect(page.says).toContain('This request was answered already')
      expect(page.html).toContain('connect again')
    }
  })

  it('another browser is not told that it was answered', async () => {
    const { browser, consent } = await begun()
    await approve(browser, consent)
    expect((await openBrowser().open(consent.url)).says).toContain('This sign-in has expired')
  })

  it('reload of the consent page shows it again, and it works', async () => {
    const { browser, request, consent } = await begun()
    const reloaded = await browser.open(consent.url)
    expect((await approve(browser, reloaded)).get('state')).toBe(request.state)
  })

  it('back to the choice of a sign-in, and once more through it', async () => {
    const { browser, request, consent } = await begun()
    const [path] = consent.url.href.split('?')
    const page = await signIn(browser, new URL(path ?? ''))
    expect((await approve(browser, page)).get('state')).toBe(request.state)
  })

  it('reload of the way back from the company: says that this step was done', async () => {
    const { browser, consent } = await begun()
    const hop = consent.hops.find(({ url }) => url.startsWith(`${server.url}/callback/`))
    const page = await browser.open(hop?.url ?? '')
    expect([page.status, page.hops.length]).toEqual([400, 1])
    expect(page.says).toContain('This step was done already')
    expect(page.html).toContain('connect again')
  })

  it('a wrong password: the company says so, and the right one goes on', async () => {
    const browser = openBrowser()
    const request = authorizationRequest(server.url, await newClient(server.url))
    const connect = await browser.open(request.url)
    const company = await browser.submit(connect, formOf(connect), {
      press: { name: 'provider', value: 'dev' },
    })
    const wrong = await browser.submit(company, formOf(company), {
      fields: { username: 'alice@acme.example', password: 'wrong' },
    })
    expect(wrong.url.origin).toBe(server.idp_url)
    const consent = await browser.submit(wrong, formOf(wrong), {
      fields: { username: 'alice@acme.example', password: 'password' },
    })
    expect((await approve(browser, consent)).get('state')).toBe(request.state)
  })

  it.each(['mcp_browser', 'mcp_interaction'])(
    'a lost cookie %s: says how to start again',
    async name => {
      const { browser, consent } = await begun()
      for (const cookie of browser.cookies.all().filter(one => one.name === name))
        browser.cookies.store(consent.url, [`${name}=; Path=${cookie.path}; Max-Age=0`], {
          same_site: true,
          safe: true,
        })
      const page = await browser.submit(consent, formOf(consent), {
        press: { name: 'decision', value: 'approve' },
      })
      expect(page.intercepted).toBe(false)
      expect([400, 403]).toContain(page.status)
      expect(page.html).toContain('connect again')
    },
  )

  it.each([
    ['access_denied', 403, 'You did not sign in'],
    ['server_error', 503, 'The company sign-in is in trouble'],
    ['temporarily_unavailable', 503, 'The company sign-in is in trouble'],
    ['<script>alert(1)</script>', 403, 'You did not sign in'],
  ])('an error %s of the company', async (error, status, says) => {
    const { browser, request } = await signInSteps(() => server).begin()
    const back = await signInSteps(() => server).untilCallbackUnused(
      browser,
      await browser.open(request.url),
    )
    back.searchParams.delete('code')
    back.searchParams.set('error', error)
    const page = await browser.open(back)
    expect([page.status, page.says]).toEqual([status, expect.stringContaining(says)])
    expect(page.html).not.toContain('<script')
    expect(page.html).toMatch(/connect again/)
  })
})

describe('A12 two tabs', () => {
  const newRequest = async (client_id?: string) =>
    authorizationRequest(server.url, client_id ?? (await newClient(server.url)))

  it.each([['of one client'], ['of two clients']])('%s, step by step in turns', async which => {
    const browser = openBrowser()
    const client_id = await newClient(server.url)
    const first = await newRequest(client_id)
    const second = await newRequest(which === 'of one client' ? client_id : undefined)
    const one = await browser.open(first.url)
    const other = await browser.open(second.url)
    const signInFrom = async (connect: typeof one) => {
      const company = await browser.submit(connect, formOf(connect), {
        press: { name: 'provider', value: 'dev' },
      })
      const fields = { username: 'alice@acme.example', password: 'password' }
      return browser.submit(company, formOf(company), { fields })
    }
    const consent = await signInFrom(one)
    const answer = await approve(browser, await signInFrom(other))
    expect(answer.get('state')).toBe(second.state)
    const late = await approve(browser, consent)
    expect(late.get('state')).toBe(first.state)
    expect(late.get('code')).not.toBe(answer.get('code'))
  })

  it('denied in one, allowed in the other', async () => {
    const browser = openBrowser()
    const [one, other] = [await newRequest(), await newRequest()]
    const first = await signIn(browser, one.url)
    const second = await signIn(browser, other.url)
    const denied = await browser.submit(first, formOf(first), {
      press: { name: 'decision', value: 'deny' },
    })
    expect(denied.url.searchParams.get('error')).toBe('access_denied')
    expect((await approve(browser, second)).get('state')).toBe(other.state)
  })
})
