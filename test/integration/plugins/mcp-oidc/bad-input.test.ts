import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  type AuthorizationServer,
  authorizationRequest,
  callback,
  formOf,
  openAuthorizationServer,
  openBrowser,
} from '../../../support/authorization-server.ts'
import { newClient } from '../../../support/consent-steps.ts'

let server: AuthorizationServer
beforeAll(async () => {
  server = await openAuthorizationServer()
})
afterAll(() => server.close())

const long = 'x'.repeat(7_000)
const strange = ['', '%00', '%', '%ff', '%E2%80%AE', encodeURIComponent('<script>'), long]

/** A page or an OAuth error: said in words, no server error, no stack, no script. */
function expectAnswer(status: number, type: string | null, body: string): void {
  expect(status).toBeGreaterThanOrEqual(400)
  expect(status).toBeLessThan(500)
  expect(body).not.toMatch(/^\s+at /m)
  expect(body).not.toContain('<script')
  if (type?.includes('json')) expect(JSON.parse(body)).toHaveProperty('error_description')
  else expect(body).toContain('What you can do')
}

async function answer(path: string, init: RequestInit = {}): Promise<void> {
  const response = await fetch(server.url + path, { redirect: 'manual', ...init })
  expectAnswer(response.status, response.headers.get('content-type'), await response.text())
}

const post = (body: string): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body,
})

describe('A02 A11 addresses that mean nothing', () => {
  const paths = strange.flatMap(text => [
    `/connect/${text}`,
    `/connect/x?sign_in=${text}`,
    `/connect/x?sign_in=a&sign_in=${text}`,
    `/callback/${text}?state=x`,
    `/callback/dev?state=${text}`,
    `/callback/dev?state=a&state=${text}&code=x`,
    `/callback/dev?error=${text}`,
    `/authorize/${text}x`,
    `/authorize?client_id=${text}`,
  ])
  it.each(paths.map(path => [path.slice(0, 60), path]))('%s', (_name, path) => answer(path))

  it.each([
    '/authorize',
    '/callback/dev',
    '/connect/a/b',
    '/connect/x?',
    '/authorize/x/y',
    '/callback',
  ])('missing: %s', path => answer(path))

  it.each([
    '',
    'csrf=x',
    'csrf=a&csrf=b',
    'decision=approve',
    `csrf=${long}`,
    '__proto__=x',
    'csrf[]=x',
    'provider=dev&provider=dev',
    '%',
    `x=${'y'.repeat(70_000)}`,
    Array.from({ length: 1_500 }, (_, nth) => `p${nth}=1`).join('&'),
  ])('POST /connect/x %#', body => answer('/connect/x', post(body)))

  it.each(['id_token_hint=x', 'id_token_hint=a&id_token_hint=b', 'client_id=nobody'])(
    '/logout?%s',
    async query => {
      const response = await fetch(`${server.url}/logout?${query}`, { redirect: 'manual' })
      expect(response.status).toBe(400)
      expectAnswer(400, response.headers.get('content-type'), await response.text())
    },
  )
})

describe('A02 parameters of /authorize once the redirect URI is proven', () => {
  it.each([
    ['no response_type', (url: URL) => url.searchParams.delete('response_type')],
    ['no code_challenge', (url: URL) => url.searchParams.delete('code_challenge')],
    ['a challenge in plain', (url: URL) => url.searchParams.set('code_challenge_method', 'plain')],
    ['a short challenge', (url: URL) => url.searchParams.set('code_challenge', 'x')],
    ['an empty response_type', (url: URL) => url.searchParams.set('response_type', '')],
    ['two scopes', (url: URL) => url.searchParams.append('scope', 'mcp:tools')],
    ['two challenges', (url: URL) => url.searchParams.append('code_challenge', 'x')],
    ['an unknown prompt', (url: URL) => url.searchParams.set('prompt', 'everything')],
    ['prompt none and login', (url: URL) => url.searchParams.set('prompt', 'none login')],
    ['a request object', (url: URL) => url.searchParams.set('request', 'x.y.z')],
    ['a request_uri', (url: URL) => url.searchParams.set('request_uri', 'https://evil.example')],
    ['claims', (url: URL) => url.searchParams.set('max_age', 'soon')],
    [
      'two resources, one foreign',
      (url: URL) => url.searchParams.append('resource', 'https://evil.example/mcp'),
    ],
  ])('%s: a redirect with error, state and iss', async (_name, change) => {
    const request = authorizationRequest(server.url, await newClient(server.url))
    change(request.url)
    const { url, intercepted, status } = await openBrowser().open(request.url)
    expect([intercepted, status]).toEqual([true, 303])
    expect(url.href.startsWith(callback)).toBe(true)
    expect(url.searchParams.get('error')).toMatch(/^[a-z_]+$/)
    // Those two say it all in their name.
    if (!/^request(?:_uri)?_not_supported$/.test(url.searchParams.get('error') ?? ''))
      expect(url.searchParams.get('error_description')).toEqual(expect.any(String))
    expect(url.searchParams.get('state')).toBe(request.state)
    expect(url.searchParams.get('iss')).toBe(server.url)
  })

  it('two clients: a page, for nothing is proven', async () => {
    const request = authorizationRequest(server.url, await newClient(server.url))
    request.url.searchParams.append('client_id', 'other')
    const page = await openBrowser().open(request.url)
    expect([page.status, page.intercepted]).toEqual([400, false])
  })

  it('two redirect URIs: the one that was registered is told, and never the other', async () => {
    const request = authorizationRequest(server.url, await newClient(server.url))
    request.url.searchParams.append('redirect_uri', 'https://evil.example')
    const { url } = await openBrowser().open(request.url)
    expect(url.href.startsWith(callback)).toBe(true)
    expect(url.searchParams.get('error')).toBe('invalid_request')
  })

  it('a form of the page with everything twice is refused', async () => {
    const browser = openBrowser()
    const page = await browser.open(
      authorizationRequest(server.url, await newClient(server.url)).url,
    )
    const form = formOf(page)
    const twice = { ...form, fields: [...form.fields, ...form.fields] }
    const answered = await browser.submit(page, twice)
    expect([answered.status, answered.intercepted]).toEqual([403, false])
  })
})
