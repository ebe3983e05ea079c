import { readFileSync } from 'node:fs'
import { Eta } from 'eta'
import { asset_paths } from './assets.ts'
import { displayHost, displayName, displayText } from './display-text.ts'
import { providerButton } from './provider-button.ts'

/** The application that asks, as far as a page shows it. Everything but the flags is the client's own claim. */
export interface Client {
  readonly name: string
  /** Where the browser goes afterwards: the redirect URI's host, or its scheme if it has no host. */
  readonly redirect_host: string
  /** Whether someone other than the client itself vouches for the name. */
  readonly verified: boolean
  /** The host that does, by publishing the client's metadata document; without one, the operator does. */
  readonly verified_host?: string
  /** Whether the answer goes to this computer, where any program can listen. */
  readonly loopback_only: boolean
  /** Shown as a link only when the client is verified. */
  readonly client_uri?: string
}

/** Names the client before anyone signs in, and asks how to sign in. */
export interface ConnectPage {
  readonly action: string
  readonly csrf: string
  readonly client: Client
  /** Whether it is one of our own pages, which asks for nothing but who is there. */
  readonly first_party?: boolean
  readonly resource_name: string
  readonly resource: string
  readonly providers: readonly { readonly id: string; readonly name: string }[]
  /** The id of the one to offer first, with the others behind one more click. */
  readonly hinted?: string
  /** Asks for an address too, whose domain chooses; `unknown_address` is one that led nowhere. */
  readonly by_email?: { readonly unknown_address?: string }
}

export interface Scope {
  readonly name: string
  readonly description: string
}

/** Asks the signed-in user whether the client may act for them. */
export interface ConsentPage {
  readonly action: string
  readonly csrf: string
  readonly client: Client
  readonly resource_name: string
  readonly resource: string
  readonly user: { readonly email: string; readonly name?: string }
  /** One is shown; of several the user chooses (`<select name=org>`). */
  readonly orgs: readonly string[]
  readonly scopes: readonly Scope[]
  /** Those that this user has allowed this client before. */
  readonly allowed_before?: readonly Scope[]
  /** Whether earlier approvals of this client were for other addresses than `redirect_host`. */
  readonly new_address?: boolean
  readonly ends_at: Date
}

/** Says what went wrong and how to start again. */
export interface MessagePage {
  readonly title: string
  readonly what_happened: string
  readonly what_to_do: string
  /** Small print, such as an error code. */
  readonly detail?: string
  readonly request_id?: string
}

/** Says why nothing is granted, with a button that leads back to the client. */
export interface TurnedAwayPage extends MessagePage {
  readonly action: string
  readonly csrf: string
}

/** Asks before signing out. `form` is HTML of our own making: an empty form with this id. */
export interface SignOutPage {
  readonly form: string
  readonly form_id: string
}

/** Each gives a whole HTML document. */
export interface Pages {
  /** Throws TypeError without a provider. */
  connect(page: ConnectPage): string
  /** Throws TypeError without an org, RangeError when `ends_at` is no date. */
  consent(page: ConsentPage): string
  message(page: MessagePage): string
  turnedAway(page: TurnedAwayPage): string
  signOut(page: SignOutPage): string
}

const templates = [
  'layout',
  'client',
  'loopback',
  'provider',
  'connect',
  'consent',
  'message',
  'sign-out',
] as const
const eta = new Eta({ autoEscape: true })
for (const name of templates) {
  const file = new URL(`templates/${name}.eta`, import.meta.url)
  eta.loadTemplate(`@${name}`, readFileSync(file, 'utf8'))
}

const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' })
const minute = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short', timeZone: 'UTC' })

/**
 * The pages a browser sees, as documents without scripts. They go out with
 * `content_security_policy` and need the files of `assets` under `/assets/`.
 *
 * Names come from strangers (anyone may register a client), so every text is made plain first and
 * escaped by the template. `brand` is what the header says.
 */
export function createPages(brand: { readonly resource_name: string }): Pages {
  const site = { brand: displayName(brand.resource_name), paths: asset_paths }
  const render = (name: (typeof templates)[number], page: object): string =>
    eta.render(`@${name}`, { ...page, site })
  return {
    connect: page => {
      if (page.providers.length === 0) throw new TypeError('a connect page needs a provider')
      const providers = page.providers.map(providerButton)
      const first = providers.filter(({ id }) => id === page.hinted)
      return render('connect', {
        ...request(page),
        first_party: page.first_party ?? false,
        offered: first.length > 0 ? first : providers,
        others: first.length > 0 ? providers.filter(({ id }) => id !== page.hinted) : [],
        by_email: first.length > 0 ? undefined : page.by_email,
      })
    },
    consent: page => {
      if (page.orgs.length === 0) throw new TypeError('a consent page needs an org')
      return render('consent', {
        ...request(page),
        user: {
          email: displayHost(page.user.email),
          name: page.user.name && displayName(page.user.name),
        },
        orgs: page.orgs.map(id => ({ id, name: displayName(id) })),
        scopes: inWords(page.scopes),
        allowed_before: inWords(page.allowed_before ?? []),
        new_address: page.new_address ?? false,
        ends_at: {
          iso: page.ends_at.toISOString(),
          text: `${day.format(page.ends_at)}, ${minute.format(page.ends_at)} UTC`,
        },
      })
    },
    message: page => render('message', { ...said(page), form: undefined }),
    turnedAway: page =>
      render('message', { ...said(page), form: { action: page.action, csrf: page.csrf } }),
    signOut: page => render('sign-out', page),
  }
}

function said(page: MessagePage): object {
  return {
    title: displayText(page.title),
    what_happened: displayText(page.what_happened),
    what_to_do: displayText(page.what_to_do),
    detail: page.detail && displayText(page.detail),
    request_id: page.request_id && displayText(page.request_id),
  }
}

/** What connect and consent share: who asks, for what, and where the form goes. */
function request(page: ConnectPage | ConsentPage): object {
  const { name, redirect_host, verified, verified_host, loopback_only, client_uri } = page.client
  const website = verified && client_uri !== undefined ? webAddress(client_uri) : undefined
  return {
    action: page.action,
    csrf: page.csrf,
    client: {
      name: displayName(name),
      redirect_host: displayHost(redirect_host),
      verified,
      verified_host: verified_host && displayHost(verified_host),
      loopback_only,
      website,
    },
    resource_name: displayName(page.resource_name),
    resource: displayHost(page.resource),
  }
}

function inWords(scopes: readonly Scope[]): readonly string[] {
  return scopes.map(({ name, description }) => displayText(description || name))
}

/** An https address to link to; anything else is not shown. */
function webAddress(uri: string): { href: string; host: string } | undefined {
  const url = URL.parse(uri)
  if (url?.protocol !== 'https:') return undefined
  return { href: url.href, host: displayHost(url.host) }
}
