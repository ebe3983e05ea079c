import { describe, expect, it } from '@jest/globals'
import { providerRequest } from '../../../../../plugins/mcp-oidc/authorization/provider-request.ts'
import { parseConfig } from '../../../../../plugins/mcp-oidc/config/settings.ts'
import { rawConfig } from '../../../../support/config.ts'

const { settings } = parseConfig(rawConfig())
const authorize = (query: string) =>
  new URL(
    providerRequest({ method: 'GET', url: `/authorize?${query}`, headers: {} }, settings).url,
    settings.issuer,
  ).searchParams
const body = (text: string) =>
  new URLSearchParams(
    providerRequest(
      { method: 'POST', url: '/token', headers: {}, body: Buffer.from(text) },
      settings,
    ).body?.toString(),
  )

describe('the request oidc-provider sees', () => {
  it('D05 has the host and scheme of the issuer, whatever came', () => {
    const { headers } = providerRequest(
      {
        method: 'GET',
        url: '/jwks',
        headers: {
          host: 'evil.example',
          'x-forwarded-host': 'evil.example',
          'x-forwarded-proto': 'http',
          forwarded: 'host=evil.example',
          accept: '*/*',
        },
      },
      settings,
    )
    expect(headers).toEqual({ accept: '*/*', host: 'gw.example', 'x-forwarded-proto': 'https' })
  })

  it.each([
    'https://gw.example/mcp',
    'https://gw.example/mcp/',
    'https://gw.example',
    'https://gw.example/',
  ])('has one canonical resource for %s', resource => {
    const query = `resource=${encodeURIComponent(resource)}`
    expect(authorize(query).getAll('resource')).toEqual(['https://gw.example/mcp'])
    expect(body(query).getAll('resource')).toEqual(['https://gw.example/mcp'])
  })

  it('keeps a foreign resource as it came, to be refused', () => {
    expect(
      authorize('resource=https%3A%2F%2Fother.example&resource=https%3A%2F%2Fgw.example').getAll(
        'resource',
      ),
    ).toHaveLength(2)
    expect(body('resource=https%3A%2F%2Fgw.example%2Fmcp%2Fx').get('resource')).toBe(
      'https://gw.example/mcp/x',
    )
  })

  it.each([
    ['', 'mcp:tools'],
    ['scope=', 'mcp:tools'],
    ['scope=openid+email+profile', 'openid email profile mcp:tools'],
    ['scope=mcp%3Atools+offline_access', 'mcp:tools offline_access'],
  ])('fills in the default scopes: %j', (query, scope) => {
    expect(authorize(query).get('scope')).toBe(scope)
  })

  it('keeps duplicates, to be refused', () => {
    expect(authorize('scope=a&scope=b&state=1&state=2').getAll('scope')).toEqual(['a', 'b'])
    expect(authorize('client_id=a&client_id=b').getAll('client_id')).toEqual(['a', 'b'])
  })

  it('asks for no scope of its own at a refresh', () => {
    expect(body('grant_type=refresh_token&refresh_token=x').has('scope')).toBe(false)
  })

  it('A04 has no browser session at /authorize, and all other cookies', () => {
    const cookie =
      'mcp_session=a; mcp_session.sig=b; __Host-mcp_session=c; mcp_resume=d; mcp_resume.sig=e'
    for (const url of ['/authorize?x', '/authorize/uid'])
      expect(
        providerRequest({ method: 'GET', url, headers: { cookie } }, settings).headers.cookie,
      ).toBe('mcp_resume=d; mcp_resume.sig=e')
    expect(
      providerRequest({ method: 'GET', url: '/logout', headers: { cookie } }, settings).headers
        .cookie,
    ).toBe(cookie)
  })
})
