import {
  claimQuestion,
  confirmPerson,
  findPerson,
  isCurrent,
  notePersonUnconfirmed,
  type PersonProfile,
  savePersonToken,
  type SignedInPerson,
} from '../../../storage/signed-in-people.ts'
import { endBrowserSessions } from '../../../storage/end-connections.ts'
import type { Store } from '../../../storage/store.ts'
import { Provider } from 'oidc-provider'
import type { Audit } from '../audit.ts'
import type { Settings } from '../config/settings.ts'
import type { Log } from '../log.ts'
import type { Upstream } from './upstream.ts'
import { UpstreamError } from './upstream-error.ts'
import { temporarilyUnavailable } from '../authorization/temporarily-unavailable.ts'

export interface ConfirmationParts {
  readonly settings: Pick<Settings, 'idp_outage_grace'>
  readonly store: Store
  readonly upstreams: ReadonlyMap<string, Pick<Upstream, 'refresh'>>
  readonly audit: Audit
  readonly log: Log
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** The identity provider is asked at most once in this time for a person, seconds. */
const interval = 60

/**
 * Whether somebody who signed in to one of our own pages still has access, as far as the identity
 * provider is concerned: asked at most once a minute, and what it says of orgs and roles is stored
 * before it gives an answer. Who is refused there, is signed out here in every browser. Rejects with
 * a 503 when it could not be asked for longer than `idp_outage_grace`.
 */
export function confirmPeople(parts: ConfirmationParts): (user_id: string) => Promise<boolean> {
  const { store, log } = parts
  return async user_id => {
    const person = await findPerson(store, user_id)
    if (!person) return false
    const question = await claimQuestion(store, { user_id }, interval)
    if (!question) {
      if (person.idp_unavailable_since !== undefined) bridge(parts, person.idp_unavailable_since)
      return true
    }
    try {
      const over = await ask(parts, person, question.idp_refresh_token)
      return over === undefined || (await signOut(parts, question, over))
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error
      log.error(
        { err: error, idp: person.idp_id, user_id },
        'the identity provider could not be asked about a person',
      )
      await notePersonUnconfirmed(store.db, question)
      bridge(parts, person.idp_unavailable_since ?? new Date(parts.now()))
      return true
    }
  }
}

/** Gives why their access is over; undefined when it is not. */
async function ask(
  { store, upstreams }: ConfirmationParts,
  person: SignedInPerson,
  idp_refresh_token: string,
): Promise<string | undefined> {
  const upstream = upstreams.get(person.idp_id)
  if (!upstream) return `identity provider ${person.idp_id} is no longer configured`
  const standing = await upstream.refresh(idp_refresh_token, person.profile.idp_sub)
  if (standing.kind === 'refused') return standing.error
  // Stored first: the one before may be spent.
  if (standing.idp_refresh_token !== idp_refresh_token)
    await savePersonToken(store, person, standing.idp_refresh_token)
  const now = await standing.person()
  if (now && 'unwelcome' in now) return now.unwelcome
  await confirmPerson(store, person, now && profileOf(now))
  return undefined
}

/** False: they are out. True when they have signed in again since, which is newer than what was heard. */
async function signOut(
  { store, audit }: ConfirmationParts,
  sign_in: Pick<SignedInPerson, 'user_id' | 'signed_in_at'>,
  reason: string,
): Promise<boolean> {
  const { user_id } = sign_in
  if (!(await isCurrent(store.db, sign_in))) return true
  const sessions = await endBrowserSessions(store, user_id)
  await audit(Provider.ctx?.req ?? { headers: {} }, {
    type: 'logout',
    outcome: 'ok',
    user_id,
    reason: `idp_refused: ${reason}: ${sessions} browser sessions`,
  })
  return false
}

/** Throws when the outage has been bridged for long enough. */
function bridge({ settings, now }: ConfirmationParts, since: Date): void {
  if (now() - since.getTime() > settings.idp_outage_grace * 1000)
    throw temporarilyUnavailable(
      'The company sign-in has not answered for too long to go on without it.',
    )
}

/** What is kept of a person for our own pages. */
export function profileOf({
  email,
  name,
  orgs,
  roles,
  idp_sub,
}: Omit<PersonProfile, 'name'> & { readonly name?: string | undefined }): PersonProfile {
  return { email, ...(name === undefined ? {} : { name }), orgs, roles, idp_sub }
}
