import { describe, expect, it } from '@jest/globals'
import { createBrowser, type Hop } from '../../../../../gateway/local/demo/browser.ts'

type Answer = (url: URL, init: RequestInit) => Response | undefined

const page = (html: string, headers: Record<string, string> = {}) =>
  new Response(html, { headers: { 'content-type': 'text/html', ...headers } })
const redirect = (location: string, status = 302, headers: Record<string, string> = {}) =>
  new Response(null, { status, headers: { location, ...headers } })

function tab(answer: Answer, intercept: (url: URL) => boolean = () => false) {
  const fetch = (url: string, init: RequestInit) =>
    Promise.resolve(answer(new URL(url), init) ?? new Response('nothing here', { status: 404 }))
  return createBrowser({ fetch, intercept, now: () => 0 })
}

const sites = (hops: readonly Hop[]) => hops.map(hop => hop.request_headers['sec-fetch-site'])

describe('the browser stand-in', () => {
  it('follows redirects, keeping cookies from on the way', async () => {
    const browser = tab(url => {
      if (url.pathname === '/a') return redirect('/b', 302, { 'set-cookie': 'x=1; Path=/' })
      return page('<title>B</title><h1>Here</h1><p>And so on.</p>')
    })
    const { hops, says, title, url } = await browser.open('http://localhost:1/a#part')
    expect(url.href).toBe('http://localhost:1/b#part')
    expect([title, says]).toEqual(['B', 'Here. And so on.'])
    expect(hops.map(hop => hop.status)).toEqual([302, 200])
    expect(hops[1]?.request_headers['cookie']).toBe('x=1')
  })

  it('ends a navigation at a URL that is intercepted or that no server has', async () => {
    const answer: Answer = url => redirect(url.searchParams.get('to') ?? '')
    const browser = tab(answer, url => url.port === '9')
    const loopback = await browser.open('http://localhost:1/?to=http://localhost:9/cb?code=1')
    expect([loopback.intercepted, loopback.url.href]).toEqual([
      true,
      'http://localhost:9/cb?code=1',
    ])
    expect(loopback.hops).toHaveLength(1)
    const app = await browser.open('http://localhost:1/?to=cursor://auth/cb?code=1')
    expect([app.intercepted, app.url.protocol]).toEqual([true, 'cursor:'])
  })

  it.each([
    [301, 'GET'],
    [302, 'GET'],
    [303, 'GET'],
    [307, 'POST'],
    [308, 'POST'],
  ])('after a POST, %i goes on with %s', async (status, method) => {
    const browser = tab(url => {
      if (url.pathname === '/')
        return page('<form method=post action=/send><input name=a value=1></form>')
      return url.pathname === '/send' ? redirect('/end', status) : page('end')
    })
    const start = await browser.open('http://localhost:1/')
    const [form] = start.forms
    if (!form) throw new Error('no form')
    const { hops } = await browser.submit(start, form)
    expect(hops.map(hop => hop.method)).toEqual(['POST', method])
  })

  it('says none for a typed address, also after redirects', async () => {
    const browser = tab(url => (url.port === '1' ? redirect('http://other.example/') : page('')))
    expect(sites((await browser.open('http://localhost:1/')).hops)).toEqual(['none', 'none'])
  })

  it('judges a link by its whole redirect chain', async () => {
    const browser = tab(url => {
      if (url.pathname === '/out') return redirect('http://idp.example/back')
      if (url.pathname === '/back') return redirect('http://gateway.test/end')
      return page('')
    })
    const start = await browser.open('http://gateway.test/')
    expect(sites((await browser.follow(start, '/out')).hops)).toEqual([
      'same-origin',
      'cross-site',
      'cross-site',
    ])
    expect(sites((await browser.follow(start, 'http://gateway.test:8400/')).hops)).toEqual([
      'same-site',
    ])
  })

  it('sends the Origin of a form, and null from a page that hides its address', async () => {
    const form = '<form method=post action=http://localhost:1/send></form>'
    const originFrom = async (policy: Record<string, string>, from: string) => {
      const browser = tab(() => page(form, policy))
      const start = await browser.open(from)
      const [first] = start.forms
      if (!first) throw new Error('no form')
      const [hop] = (await browser.submit(start, first)).hops
      return [hop?.request_headers['origin'], hop?.request_headers['referer']]
    }
    const here = 'http://localhost:1/page?x=1'
    expect(await originFrom({}, here)).toEqual(['http://localhost:1', here])
    expect(await originFrom({ 'referrer-policy': 'no-referrer' }, here)).toEqual([
      'null',
      undefined,
    ])
    expect(await originFrom({ 'referrer-policy': 'same-origin' }, here)).toEqual([
      'http://localhost:1',
      here,
    ])
    expect(await originFrom({}, 'http://other.example/page')).toEqual([
      'http://other.example',
      'http://other.example/',
    ])
  })

  it('gives up on a redirect loop', async () => {
    await expect(tab(() => redirect('/again')).open('http://localhost:1/')).rejects.toThrow(
      'more than 20 redirects',
    )
  })

  it('reads forms of HTML only', async () => {
    const browser = tab(
      () => new Response('<form></form>', { headers: { 'content-type': 'text/plain' } }),
    )
    expect((await browser.open('http://localhost:1/')).forms).toEqual([])
  })
})
