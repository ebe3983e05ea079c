import { type Browser, createBrowser, type Page } from '../../gateway/local/demo/browser.ts'
import * as person from '../../gateway/local/demo/person.ts'

export interface Approval {
  readonly user: string
  /** Where the client waits; the browser does not ask for it. */
  readonly redirect_uri: string
  /** A browser that was used before. */
  readonly browser?: Browser
}

/** A browser that leaves everything at `redirect_uri` to the client that waits there. */
export function browserOf(redirect_uri: string): Browser {
  const { origin, pathname } = new URL(redirect_uri)
  return createBrowser({ intercept: url => url.origin === origin && url.pathname === pathname })
}

/** From the client's authorization request to the consent page. */
export async function signIn(request: URL, { user, browser }: Required<Approval>): Promise<Page> {
  const choice = await person.chooseProvider(browser, await browser.open(request))
  return person.signIn(browser, choice, { user, password: 'password' })
}

/** Signs in and approves. Gives what the client's redirect URI received. */
export async function approve(request: URL, approval: Approval): Promise<URLSearchParams> {
  const { browser = browserOf(approval.redirect_uri) } = approval
  const consent = await signIn(request, { ...approval, browser })
  const done = await person.decide(browser, consent, 'approve', person.firstOrg(consent))
  if (!done.intercepted) throw new person.WrongPageError('the way back to the client', done)
  return done.url.searchParams
}
