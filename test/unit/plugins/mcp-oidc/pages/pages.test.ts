import { describe, expect, it } from '@jest/globals'
import { asset_paths } from '../../../../../plugins/mcp-oidc/pages/assets.ts'
import {
  type ConnectPage,
  type ConsentPage,
  createPages,
  type MessagePage,
} from '../../../../../plugins/mcp-oidc/pages/pages.ts'

const pages = createPages({ resource_name: 'Acme Insights' })
const client = {
  name: 'Claude',
  redirect_host: 'claude.ai',
  verified: false,
  loopback_only: false,
}
const connect: ConnectPage = {
  action: '/connect/abc',
  csrf: 'token-1',
  client,
  resource_name: 'Acme Insights',
  resource: 'https://mcp.acme.example/mcp',
  providers: [{ id: 'acme', name: 'Acme single sign-on' }],
}
const consent: ConsentPage = {
  action: '/connect/abc',
  csrf: 'token-2',
  client,
  resource_name: 'Acme Insights',
  resource: 'https://mcp.acme.example/mcp',
  user: { email: 'alice@acme.example', name: 'Alice Moreau' },
  orgs: ['acme'],
  scopes: [{ name: 'mcp:tools', description: 'Use the tools of this server' }],
  ends_at: new Date('2027-03-14T09:30:00Z'),
}
const message: MessagePage = {
  title: 'This sign-in has expired',
  what_happened: 'It was started an hour ago.',
  what_to_do: 'Connect again from your app.',
  detail: 'expired',
  request_id: 'req-1',
}

/** What a reader sees: no tags, single spaces. */
const words = (html: string) =>
  html
    .replace(/<head>.*<\/head>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')

/** The opening tags with this name, as written. */
const tags = (html: string, name: string) => html.match(new RegExp(`<${name}\\b[^>]*>`, 'g')) ?? []

describe('the connect page', () => {
  it('A03 names the client and the resource and offers every provider as a button', () => {
    const html = pages.connect({
      ...connect,
      providers: [...connect.providers, { id: 'globex', name: 'Globex Entra' }],
    })
    expect(words(html)).toContain('Claude wants to connect to Acme Insights')
    expect(words(html)).toContain('Continue with Acme single sign-on')
    expect(words(html)).toContain('Continue with Globex Entra')
    expect(tags(html, 'button')).toEqual([
      expect.stringContaining('type="submit" name="provider" value="acme"'),
      expect.stringContaining('type="submit" name="provider" value="globex"'),
    ])
  })

  it('A07 posts the CSRF token to the given action', () => {
    const html = pages.connect(connect)
    expect(tags(html, 'form')).toEqual([
      expect.stringContaining('method="post" action="/connect/abc"'),
    ])
    expect(html).toContain('<input type="hidden" name="csrf" value="token-1">')
  })

  it('A03 cannot be made without a provider', () => {
    expect(() => pages.connect({ ...connect, providers: [] })).toThrow(TypeError)
  })
})

describe('the consent page', () => {
  it('A07 says who, which organization, what, which resource, where to and until when', () => {
    const text = words(pages.consent(consent))
    for (const part of [
      'Allow Claude to use Acme Insights in your name?',
      'Alice Moreau',
      'alice@acme.example',
      'Organization acme',
      'Use the tools of this server',
      'https://mcp.acme.example/mcp',
      'Sends you back to claude.ai',
      '14 March 2027, 09:30 UTC',
    ])
      expect(text).toContain(part)
  })

  it('A07 offers to deny as well as to approve, with the CSRF token', () => {
    const html = pages.consent(consent)
    expect(tags(html, 'button')).toEqual([
      expect.stringContaining('type="submit" name="decision" value="deny"'),
      expect.stringContaining('type="submit" name="decision" value="approve"'),
    ])
    expect(html).toContain('<input type="hidden" name="csrf" value="token-2">')
    expect(tags(html, 'form')).toEqual([
      expect.stringContaining('method="post" action="/connect/abc"'),
    ])
  })

  it('A06 shows one org and lets the user choose among several, without a choice made for them', () => {
    expect(tags(pages.consent(consent), 'select')).toEqual([])
    const html = pages.consent({ ...consent, orgs: ['acme', 'globex'] })
    expect(html).toContain('<label for="org">')
    expect(tags(html, 'select')).toEqual([expect.stringMatching(/id="org" name="org" required/)])
    expect(tags(html, 'option')).toEqual([
      '<option value="">',
      '<option value="acme">',
      '<option value="globex">',
    ])
    expect(html).toContain('value="deny" formnovalidate')
  })

  it('A06 cannot be made without an org or without an end', () => {
    expect(() => pages.consent({ ...consent, orgs: [] })).toThrow(TypeError)
    expect(() => pages.consent({ ...consent, ends_at: new Date(NaN) })).toThrow(RangeError)
  })

  it('A07 falls back to the name of a scope that has no words', () => {
    const html = pages.consent({ ...consent, scopes: [{ name: 'mcp:odd', description: '' }] })
    expect(words(html)).toContain('mcp:odd')
  })
})

describe.each([
  [
    'connect',
    (changed: Partial<ConnectPage['client']>) =>
      pages.connect({ ...connect, client: { ...client, ...changed } }),
  ],
  [
    'consent',
    (changed: Partial<ConnectPage['client']>) =>
      pages.consent({ ...consent, client: { ...client, ...changed } }),
  ],
] as const)('the client on the %s page', (_page, show) => {
  it('A07 says whether the name is verified', () => {
    expect(words(show({ verified: false }))).toContain('Not verified')
    expect(words(show({ verified: false }))).toContain('The app chose this name itself')
    expect(words(show({ verified: true }))).not.toMatch(/Not verified|chose this name/)
    expect(words(show({ verified: true }))).toContain('Verified')
  })

  it('A07 warns when it is an app on this computer, and only then', () => {
    expect(words(show({ loopback_only: true }))).toContain('This goes to an app on this computer.')
    expect(words(show({ loopback_only: false }))).not.toContain('this computer')
  })

  it('A07 links to the website of a verified client only, and only over https', () => {
    const client_uri = 'https://claude.ai/about'
    expect(show({ verified: true, client_uri })).toContain(`href="${client_uri}" rel="noopener`)
    expect(tags(show({ verified: false, client_uri }), 'a')).toEqual([])
    for (const bad of ['javascript:alert(1)', 'http://claude.ai', 'nonsense'])
      expect(tags(show({ verified: true, client_uri: bad }), 'a')).toEqual([])
  })

  it('A07 keeps a name of 300 characters short', () => {
    expect(show({ name: 'A'.repeat(300) })).not.toContain('A'.repeat(61))
  })
})

describe('the message page', () => {
  it('A11 says what happened, what to do, and the small print', () => {
    const html = pages.message(message)
    expect(html).toContain('<h1>This sign-in has expired</h1>')
    for (const part of Object.values(message)) expect(words(html)).toContain(part)
  })

  it('R07 has no form, and no small print when there is none', () => {
    const { title, what_happened, what_to_do } = message
    const html = pages.message({ title, what_happened, what_to_do })
    expect(tags(html, 'form')).toEqual([])
    expect(tags(html, 'dl')).toEqual([])
    expect(html).not.toContain('undefined')
  })
})

const hostile = `"><script>alert('x')</script><img src=x onerror="alert(1)">&amp;\u202Egnp\u200B`
const everything_hostile = {
  action: hostile,
  csrf: hostile,
  client: {
    name: hostile,
    redirect_host: hostile,
    verified: true,
    loopback_only: true,
    client_uri: `https://a.example/${hostile}`,
  },
  resource_name: hostile,
  resource: hostile,
}
const strange = createPages({ resource_name: hostile })
const documents: readonly (readonly [string, string, string])[] = [
  [
    'connect',
    pages.connect(connect),
    strange.connect({ ...everything_hostile, providers: [{ id: hostile, name: hostile }] }),
  ],
  [
    'consent',
    pages.consent({ ...consent, orgs: ['acme', 'globex'] }),
    strange.consent({
      ...everything_hostile,
      user: { email: hostile, name: hostile },
      orgs: [hostile, hostile],
      scopes: [{ name: hostile, description: hostile }],
      ends_at: consent.ends_at,
    }),
  ],
  [
    'message',
    pages.message(message),
    strange.message({
      title: hostile,
      what_happened: hostile,
      what_to_do: hostile,
      detail: hostile,
      request_id: hostile,
    }),
  ],
]

describe.each(documents)('every text of the %s page', (_page, _html, html) => {
  it('A07 stays text: no tag and no attribute comes from a value', () => {
    expect(html).toContain('&lt;script&gt;')
    expect(html).not.toMatch(/<script|<img src=x|<[^>]*\sonerror\s*=\s*"[^>]*>/i)
    expect(tags(html, 'img')).toHaveLength(1)
    expect(html.replace(/"[^"]*"/g, '""')).not.toMatch(/<[^>]*\son[a-z]+=/i)
  })

  it('A07 is shown without characters that reorder or hide it', () => {
    const shown = words(html)
    expect(shown).toContain('gnp')
    expect(shown).not.toMatch(/[\u202A-\u202E\u2066-\u2069\u200B-\u200F]/)
  })
})

describe.each(documents)('the document of the %s page', (_page, html) => {
  it('A07 is a whole document with one main and one first heading', () => {
    expect(html).toMatch(/^<!doctype html>\n<html lang="en">/)
    expect(html).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">')
    expect(tags(html, 'main')).toHaveLength(1)
    expect(tags(html, 'h1')).toHaveLength(1)
    expect(html).toMatch(/<title>[^<]+ · Acme Insights<\/title>/)
  })

  it('A07 has no script and no style of its own and loads only our files', () => {
    expect(html).not.toMatch(/<script|<style|\sstyle=|\son[a-z]+=|javascript:/i)
    const loaded = [...html.matchAll(/<(?:link|img)\b[^>]*(?:href|src)="([^"]*)"/g)].map(m => m[1])
    expect(new Set(loaded)).toEqual(new Set(Object.values(asset_paths)))
  })

  it('A07 closes every element it opens', () => {
    const empty = /^(?:meta|link|img|input|!doctype)$/i
    const open: string[] = []
    for (const [, slash, name = ''] of html.matchAll(/<(\/?)([a-z!][a-z0-9]*)\b[^>]*>/gi)) {
      if (slash) expect(open.pop()).toBe(name)
      else if (!empty.test(name)) open.push(name)
    }
    expect(open).toEqual([])
  })
})
