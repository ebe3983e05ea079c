import { describe, expect, it } from '@jest/globals'
import { createCookieJar } from '../../../../../gateway/local/demo/cookie-jar.ts'

const here = { same_site: true, safe: true }
const from_elsewhere = { same_site: false, safe: true }
const posted_from_elsewhere = { same_site: false, safe: false }

function jarWith(url: string, ...set_cookie: string[]) {
  let time = 1_000_000
  const jar = createCookieJar(() => time)
  jar.store(new URL(url), set_cookie, here)
  return {
    jar,
    at: (target: string, context = here) => jar.header(new URL(target), context),
    wait: (seconds: number) => (time += seconds * 1000),
  }
}

describe('the cookie jar', () => {
  it('sends a cookie back to its host alone, whatever the port', () => {
    const { at } = jarWith('http://localhost:8000/', 'a=1')
    expect(at('http://localhost:8400/x')).toBe('a=1')
    expect(at('http://127.0.0.1:8000/')).toBeUndefined()
    expect(at('http://sub.localhost:8000/')).toBeUndefined()
  })

  it('sends a Domain cookie below that domain, and takes none for a foreign or a public one', () => {
    const { at } = jarWith(
      'https://a.acme.example/',
      'own=1; Domain=.acme.example',
      'foreign=1; Domain=globex.example',
      'public=1; Domain=example',
    )
    expect(at('https://b.acme.example/')).toBe('own=1')
    expect(at('https://notacme.example/')).toBeUndefined()
  })

  it.each([
    ['/connect/a', '/connect/a', true],
    ['/connect/a', '/connect/a/b', true],
    ['/connect/a', '/connect/ab', false],
    ['/connect/a', '/connect', false],
    ['/', '/anything', true],
  ])('Path=%s and %s: %s', (path, requested, sent) => {
    const { at } = jarWith('http://localhost/', `a=1; Path=${path}`)
    expect(at(`http://localhost${requested}`)).toBe(sent ? 'a=1' : undefined)
  })

  it('without Path takes the folder of the request', () => {
    const { at } = jarWith('http://localhost/connect/a', 'a=1')
    expect(at('http://localhost/connect/b')).toBe('a=1')
    expect(at('http://localhost/other')).toBeUndefined()
  })

  it('puts the longest path first and replaces a cookie of the same name, host and path', () => {
    const { at } = jarWith('http://localhost/', 'a=1; Path=/', 'a=2; Path=/x', 'a=3; Path=/')
    expect(at('http://localhost/x')).toBe('a=2; a=3')
  })

  it('keeps Secure off plain http, but for loopback', () => {
    expect(
      jarWith('http://acme.example/', 'a=1; Secure').at('http://acme.example/'),
    ).toBeUndefined()
    expect(jarWith('http://localhost/', 'a=1; Secure').at('http://localhost/')).toBe('a=1')
    const { at } = jarWith('https://acme.example/', 'a=1; Secure')
    expect(at('https://acme.example/')).toBe('a=1')
    expect(at('http://acme.example/')).toBeUndefined()
  })

  it.each([
    ['__Host-a=1; Secure; Path=/', true],
    ['__Host-a=1; Path=/', false],
    ['__Host-a=1; Secure; Path=/x', false],
    ['__Host-a=1; Secure; Path=/; Domain=acme.example', false],
    ['__Secure-a=1; Secure', true],
    ['__Secure-a=1', false],
    ['a=1; SameSite=None', false],
    ['a=1; SameSite=None; Secure', true],
  ])('%s is taken: %s', (set_cookie, taken) => {
    const { jar } = jarWith('https://acme.example/', set_cookie)
    expect(jar.all()).toHaveLength(taken ? 1 : 0)
  })

  it('honours SameSite: Strict stays home, Lax travels with links, None with everything', () => {
    const { at } = jarWith(
      'https://acme.example/',
      'strict=1; SameSite=Strict',
      'lax=1; SameSite=Lax',
      'plain=1',
      'none=1; SameSite=None; Secure',
    )
    expect(at('https://acme.example/')).toBe('strict=1; lax=1; plain=1; none=1')
    expect(at('https://acme.example/', from_elsewhere)).toBe('lax=1; plain=1; none=1')
    expect(at('https://acme.example/', posted_from_elsewhere)).toBe('none=1')
  })

  it('forgets in time, and at once when told so', () => {
    const { at, jar, wait } = jarWith('http://localhost/', 'a=1; Max-Age=60', 'b=1; Path=/')
    wait(59)
    expect(at('http://localhost/')).toBe('a=1; b=1')
    wait(1)
    expect(at('http://localhost/')).toBe('b=1')
    jar.store(
      new URL('http://localhost/'),
      ['b=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT'],
      here,
    )
    expect(at('http://localhost/')).toBeUndefined()
  })
})
