import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { publicClientId } from '../../../../../../plugins/mcp-oidc/authorization/clients/client-id.ts'

const metadata = {
  client_name: 'Cursor',
  redirect_uris: [
    'http://localhost:8787/callback',
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'https://www.cursor.com/agents/mcp/oauth/callback',
  ],
}
const [loopback = '', scheme = '', web = ''] = metadata.redirect_uris
const id = publicClientId(metadata)

describe('R06 the id of a public client', () => {
  it.each([
    ['members in another order', { redirect_uris: metadata.redirect_uris, client_name: 'Cursor' }],
    ['a list in another order', { ...metadata, redirect_uris: [web, loopback, scheme] }],
    ['a URI twice', { ...metadata, redirect_uris: [loopback, loopback, scheme, web] }],
    [
      'another loopback port',
      { ...metadata, redirect_uris: [scheme, web, 'http://localhost:1/callback'] },
    ],
    [
      'no loopback port',
      { ...metadata, redirect_uris: [scheme, web, 'http://localhost/callback'] },
    ],
    [
      'two loopback ports',
      { ...metadata, redirect_uris: [...metadata.redirect_uris, 'http://localhost:2/callback'] },
    ],
  ])('is the same for %s', (_name, other) => {
    expect(publicClientId(other)).toBe(id)
  })

  it.each([
    ['another name', { ...metadata, client_name: 'cursor' }],
    ['a name more', { ...metadata, client_uri: 'https://cursor.com' }],
    ['a URI less', { ...metadata, redirect_uris: [loopback, scheme] }],
    ['another loopback path', { ...metadata, redirect_uris: [scheme, web, 'http://localhost/'] }],
    [
      'another loopback host',
      { ...metadata, redirect_uris: [scheme, web, 'http://127.0.0.1:8787/callback'] },
    ],
    [
      'another port elsewhere',
      { ...metadata, redirect_uris: [loopback, scheme, web.replace('.com', '.com:444')] },
    ],
    ['a list in place of its one item', { ...metadata, client_name: ['Cursor'] }],
  ])('is another for %s', (_name, other) => {
    expect(publicClientId(other)).not.toBe(id)
  })

  it('is never one that reads as a URL, whatever is said', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), said => {
        expect(publicClientId(said)).toMatch(/^dcr_[\w-]{43}$/)
      }),
    )
  })
})
