import { domainToASCII } from 'node:url'
import type { IdentityProvider } from '../config/settings.ts'

type Candidate = Pick<IdentityProvider, 'id' | 'email_domains'>

/** What a client's authorization request says about where its user signs in. */
export interface Hints {
  /** The id of an identity provider. */
  readonly idp: string | undefined
  /** OpenID Connect Core 3.1.2.1: often an email address. */
  readonly login_hint: string | undefined
}

/**
 * The provider that a request hints at; undefined when it hints at none of ours. It is offered first
 * and no more: the person still chooses, so a hint gives nothing away and decides nothing.
 */
export function hintedProvider<P extends Candidate>(
  providers: readonly P[],
  { idp, login_hint }: Hints,
): P | undefined {
  return (
    providers.find(({ id }) => id === idp) ??
    (login_hint === undefined ? undefined : providerOfAddress(providers, login_hint))
  )
}

/** The provider of an address's domain: of the whole domain, not of one above it. */
export function providerOfAddress<P extends Candidate>(
  providers: readonly P[],
  address: string,
): P | undefined {
  const domain = domainOf(address)
  if (domain === undefined) return undefined
  return providers.find(({ email_domains = [] }) => email_domains.includes(domain))
}

const longest_address = 320

function domainOf(address: string): string | undefined {
  if (address.length > longest_address) return undefined
  const [, domain] = /^[^\s\p{Cc}@]+@([^\s\p{Cc}@]+)$/u.exec(address) ?? []
  return domain === undefined ? undefined : domainToASCII(domain) || undefined
}
