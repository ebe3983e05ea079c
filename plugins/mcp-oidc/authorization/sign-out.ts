import { decodeJwt } from 'jose'
import type { RequestHandler } from 'express'
import type { Flow } from '../sign-in/flow.ts'
import { isFirstParty } from './clients/pre-registered.ts'
import { endpoints } from './endpoints.ts'
import { askProvider, httpRequest, type ProviderResponse, send } from './provider-handler.ts'

/**
 * GET /logout (OpenID Connect RP-Initiated Logout 1.0). Somebody whom a page of ours sends here has
 * pressed its button already: the id_token that it brings, which only that page has, stands for it.
 * Everybody else is asked, so that a link cannot sign anyone out.
 */
export function signOut({ provider, settings }: Flow): RequestHandler {
  return async (req, res) => {
    const request = httpRequest(req)
    const asked = await askProvider(provider, settings, request)
    const { searchParams: query } = new URL(req.url, settings.issuer)
    // oidc-provider has validated the hint, or it would not have asked.
    const xsrf = /name="xsrf" value="([\w-]+)"/.exec(asked.body.toString())?.[1]
    const hint = query.get('id_token_hint')
    if (asked.status !== 200 || xsrf === undefined || !isFirstParty(settings, audienceOf(hint)))
      return send(res, asked)
    const confirmed = await askProvider(provider, settings, {
      method: 'POST',
      url: `${endpoints.end_session}/confirm`,
      headers: {
        ...request.headers,
        cookie: cookiesAfter(request.headers['cookie'], asked),
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: Buffer.from(new URLSearchParams({ xsrf, logout: 'yes' }).toString()),
    })
    send(res, confirmed)
  }
}

function audienceOf(hint: string | null): string {
  if (hint === null) return ''
  const { aud } = decodeJwt(hint)
  return typeof aud === 'string' ? aud : ''
}

/** What the browser would send next: oidc-provider may have begun a session to remember its question. */
function cookiesAfter(cookie: string | undefined, { headers }: ProviderResponse): string {
  const set = [headers['set-cookie'] ?? []].flat().map(line => line.split(';')[0] ?? '')
  const names = set.map(pair => `${pair.split('=')[0] ?? ''}=`)
  const kept = (cookie ?? '')
    .split(/;\s*/)
    .filter(pair => pair !== '' && !names.some(name => pair.startsWith(name)))
  return [...kept, ...set].join('; ')
}
