import { createHash } from 'node:crypto'
import type { IdentityProvider } from '../config/settings.ts'

/** Who signed in at the company, as far as this gateway is concerned. */
export interface Person {
  readonly user_id: string
  readonly email: string
  readonly name?: string
  /** Those the identity provider asserted and may assert; never empty. */
  readonly orgs: readonly string[]
  readonly roles: readonly string[]
  readonly idp_sub: string
  readonly idp_sid?: string
}

/** Why somebody who did sign in may not go on; a page says so. */
export type Unwelcome =
  | 'no_email'
  | 'email_not_verified'
  | 'no_org'
  | 'too_many_roles'
  /** The provider says that there are roles, or orgs, without saying which. */
  | 'claims_left_out'

/** Somebody signed in and is turned away; `who` is for the audit trail. */
export interface Refused {
  readonly unwelcome: Unwelcome
  readonly who: { readonly user_id: string; readonly email?: string }
}

export type Claims = Readonly<Record<string, unknown>> & {
  readonly iss: string
  readonly sub: string
}

const longest_email = 320
/** The roles travel in a header on every call. */
const most_role_bytes = 16_384

/**
 * Reads a person out of claims that were verified before. The user id is a digest of issuer and
 * subject, so two providers with equal subjects are two users. An org counts only when this
 * provider may assert it; none is ever read from an email address.
 */
export function personOf(claims: Claims, idp: IdentityProvider): Person | Refused {
  const { email, email_verified, name, sid } = claims
  const user_id = userId(claims)
  if (
    typeof email !== 'string' ||
    email.length > longest_email ||
    !/^[\x21-\x7E]+@[\x21-\x7E]+$/.test(email)
  )
    return { unwelcome: 'no_email', who: { user_id } }
  if (email_verified !== true && !(idp.trust_email && email_verified === undefined))
    return { unwelcome: 'email_not_verified', who: { user_id } }
  if (leftOut(claims, idp.org_claim) || leftOut(claims, idp.roles_claim))
    return { unwelcome: 'claims_left_out', who: { user_id, email } }
  const orgs = orgsOf(claims, idp)
  if (orgs.length === 0) return { unwelcome: 'no_org', who: { user_id, email } }
  const roles = texts(idp.roles_claim && claimAt(claims, idp.roles_claim)).filter(role =>
    /^[\x20-\x7E]{1,128}$/.test(role),
  )
  // Dropping some of them would be a guess at what the user may do.
  if (roles.join().length > most_role_bytes)
    return { unwelcome: 'too_many_roles', who: { user_id, email } }
  return {
    user_id,
    email,
    ...(typeof name === 'string' ? { name: name.slice(0, 200) } : {}),
    orgs,
    roles,
    idp_sub: claims.sub,
    ...(typeof sid === 'string' ? { idp_sid: sid } : {}),
  }
}

/** Whether more about the person may be told elsewhere: a claim that counts here is not among these. */
export function isThin(claims: Claims, idp: IdentityProvider): boolean {
  const absent = (path: string | undefined) =>
    path !== undefined && claimAt(claims, path) === undefined
  return 'unwelcome' in personOf(claims, idp) || absent(idp.org_claim) || absent(idp.roles_claim)
}

/** Those that this provider may assert, of the ones it does. */
function orgsOf(claims: Claims, idp: IdentityProvider): readonly string[] {
  const claim = claimAt(claims, idp.org_claim)
  const values = texts(claim)
  const named = idp.org_map
    ? idp.org_map.filter(({ value }) => values.includes(value)).map(({ org }) => org)
    : values
  const asserted = claim === undefined ? [idp.org_without_claim] : named
  return idp.orgs.filter(org => asserted.includes(org))
}

/**
 * Whether a claim is to be had from somewhere else, and so says nothing by its absence: OpenID Connect
 * Core 5.6.2 (Entra, for the groups of somebody who is in more than 200), and Entra's `hasgroups`.
 */
function leftOut(claims: Claims, path: string | undefined): boolean {
  if (path === undefined) return false
  const { _claim_names: elsewhere, hasgroups } = claims
  if (path === 'groups' && (hasgroups === true || hasgroups === 'true')) return true
  const [top = path] = path.split('.')
  return (
    typeof elsewhere === 'object' &&
    elsewhere !== null &&
    (Object.hasOwn(elsewhere, path) || Object.hasOwn(elsewhere, top))
  )
}

/**
 * The claims of both, the id_token's where they differ. An email and whether it is verified are one
 * statement: they are never taken from two sources.
 */
export function together(id_token: Claims, userinfo: Readonly<Record<string, unknown>>): Claims {
  const { email, email_verified } = userinfo.email === undefined ? id_token : userinfo
  return { ...userinfo, ...id_token, email, email_verified }
}

/** `usr_` and 160 bits of SHA-256 over issuer and subject. */
export function userId({ iss, sub }: Pick<Claims, 'iss' | 'sub'>): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([iss, sub]))
    .digest()
  return `usr_${digest.subarray(0, 20).toString('base64url')}`
}

/** A claim by its own name (which may hold dots, as a URL does), else by a dotted path. */
function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path]
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, name)
          ? (value as Record<string, unknown>)[name]
          : undefined,
      claims,
    )
}

function texts(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.filter(item => typeof item === 'string')
}
