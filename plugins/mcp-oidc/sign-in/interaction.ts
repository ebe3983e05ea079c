import type { Request, Response } from 'express'
import { errors, type Provider } from 'oidc-provider'
import { clientKind } from '../authorization/clients/client-kind.ts'
import { isFirstParty } from '../authorization/clients/pre-registered.ts'
import { knownBrowser } from './browser.ts'
import { type Flow, tell } from './flow.ts'
import { already_answered, expired, other_browser } from './messages.ts'
import { isBrowser } from './transactions.ts'
import type { Client as ClientOnPage } from '../pages/pages.ts'

/** A client's authorization request that waits for its user, as oidc-provider keeps it. */
export interface Interaction {
  readonly uid: string
  /** The browser it was begun in, which is the one that asks. */
  readonly browser: string
  readonly client_id: string
  readonly redirect_uri: string
  /** What was asked for, in order, without repetition. */
  readonly scopes: readonly string[]
  readonly login_hint: string | undefined
  /** The identity provider that the client would like, by its id. */
  readonly idp: string | undefined
  /** OpenID Connect Core 3.1.2.1. */
  readonly prompts: readonly string[]
  /**
   * Whether the person began the request themselves, in the address bar, another program or a page of
   * ours. A browser that does not say is not believed to.
   */
  readonly begun_by_person: boolean
  /** Whether one of the gateway's own pages asks, which is granted nothing. */
  readonly first_party: boolean
  /** Where the browser goes on once there is a result. */
  readonly return_to: string
  readonly answered: boolean
}

/**
 * The interaction of this page, when this is the browser that it was begun in; otherwise a page has
 * been sent. oidc-provider's own cookies are scoped to paths and can be planted by a neighbouring
 * domain, so ours is asked for as well.
 */
export async function ownInteraction(
  flow: Flow,
  req: Request,
  res: Response,
): Promise<Interaction | undefined> {
  const uid = String(req.params.uid)
  const details = await interactionDetails(flow.provider, req, res)
  const bound = await flow.transactions.boundTo(uid)
  const browser = knownBrowser(req.headers.cookie, flow.settings.secure)
  if (details?.uid !== uid || bound === undefined) {
    // The client has its answer, and the request is gone; its browser may know what became of it.
    const answered = bound?.answered === true && isBrowser(bound.browser, browser)
    tell(flow, req, res, 400, answered ? already_answered : expired)
    return undefined
  }
  if (browser === undefined || !isBrowser(bound.browser, browser)) {
    const { client_id } = bound
    const event = { type: 'sign_in', outcome: 'refused', client_id } as const
    await flow.audit(req, { ...event, error_code: 'other_browser' })
    tell(flow, req, res, 403, other_browser)
    return undefined
  }
  const { params, returnTo, result } = details
  return {
    uid,
    browser,
    client_id: text(params.client_id) ?? '',
    redirect_uri: text(params.redirect_uri) ?? '',
    scopes: words(params.scope),
    login_hint: text(params.login_hint),
    idp: text(params.idp),
    prompts: words(params.prompt),
    first_party: isFirstParty(flow.settings, text(params.client_id) ?? ''),
    begun_by_person: bound.fetch_site === 'none' || bound.fetch_site === 'same-origin',
    return_to: returnTo,
    answered: result !== undefined,
  }
}

async function interactionDetails(provider: Provider, req: Request, res: Response) {
  try {
    return await provider.interactionDetails(req, res)
  } catch (error) {
    if (error instanceof errors.SessionNotFound) return undefined
    throw error
  }
}

/** How a page names the client, and who vouches for the name. */
export async function clientOnPage(
  { provider, settings }: Pick<Flow, 'provider' | 'settings'>,
  { client_id, redirect_uri }: Interaction,
): Promise<ClientOnPage> {
  const client = await provider.Client.find(client_id)
  const redirect = new URL(redirect_uri)
  const on_this_computer = (uri: string) => uri.startsWith('http:')
  const kind = clientKind(client_id, settings)
  return {
    name: client?.clientName ?? client_id,
    redirect_host:
      redirect.host === '' || !/^https?:$/.test(redirect.protocol)
        ? redirect.protocol.slice(0, -1)
        : redirect.host,
    verified: kind !== 'self_declared',
    ...(kind === 'verified_host' ? { verified_host: new URL(client_id).host } : {}),
    // Any program on a computer can name itself by a public URL, and wait there for the answer.
    loopback_only:
      kind === 'verified_host'
        ? on_this_computer(redirect_uri)
        : (client?.redirectUris ?? [redirect_uri]).every(on_this_computer),
  }
}

/** In order, without repetition. */
function words(value: unknown): readonly string[] {
  return [...new Set((text(value) ?? '').split(' ').filter(word => word !== ''))]
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
