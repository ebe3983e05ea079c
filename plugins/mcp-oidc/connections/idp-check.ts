import type { IdpStanding } from '../../../storage/connection-lease.ts'
import type { Connection, ConnectionProfile } from '../../../storage/connections.ts'
import type { Log } from '../log.ts'
import type { Person } from '../sign-in/person.ts'
import type { Upstream } from '../sign-in/upstream.ts'
import { UpstreamError } from '../sign-in/upstream-error.ts'
import type { EndReason } from './end.ts'

/** What there is to do with a connection at a refresh, after the identity provider was heard. */
export type IdpVerdict =
  | { readonly kind: 'current' }
  | { readonly kind: 'ended'; readonly reason: EndReason; readonly detail: string }
  /** It cannot be asked for longer than is tolerated. The connection lives on, but not from this. */
  | { readonly kind: 'unavailable' }

export interface IdpCheckParts {
  readonly upstream: Pick<Upstream, 'refresh'>
  /** How long an identity provider that cannot be asked is bridged, seconds. */
  readonly outage_grace: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly log: Log
  /** Resolve once it is durable; reject when the lease on the connection was lost. */
  readonly save: {
    idpToken(token: string): Promise<void>
    profile(profile: ConnectionProfile): Promise<void>
    asked(): Promise<void>
    /** Gives since when. */
    unavailable(): Promise<Date>
  }
}

/** The identity provider is asked at most once in this time for a connection, milliseconds. */
const interval = 60_000

/** When it was asked, as far as it matters for asking again. */
export interface IdpAsked {
  /** Whether it gave something to ask with. */
  readonly can_be_asked: boolean
  readonly asked_at: Date | undefined
  /** Since when it cannot be asked; undefined while it can. */
  readonly unavailable_since: Date | undefined
}

/** Whether the identity provider is to be asked: not within a minute of the last time. */
export function isToBeAsked({ can_be_asked, asked_at }: IdpAsked, now: number): boolean {
  return can_be_asked && (asked_at === undefined || now - asked_at.getTime() >= interval)
}

/** What the identity provider said when it was last asked. */
export function withoutAsking(
  parts: Pick<IdpCheckParts, 'outage_grace' | 'now'>,
  { can_be_asked, unavailable_since }: IdpAsked,
): IdpVerdict {
  return can_be_asked && unavailable_since !== undefined
    ? bridged(parts, unavailable_since)
    : { kind: 'current' }
}

/**
 * Asks the identity provider whether the person still has access (requirement T05), unless it was
 * asked within the last minute or gave nothing to ask with. To be called under the connection's
 * lease: a refresh token that rotates may be sent once only, and the one that comes back is stored
 * before anything else can fail.
 */
export async function checkWithIdp(
  parts: IdpCheckParts,
  connection: Connection,
  standing: IdpStanding,
): Promise<IdpVerdict> {
  const { idp_refresh_token } = standing
  const asked = {
    can_be_asked: idp_refresh_token !== undefined,
    asked_at: standing.idp_asked_at,
    unavailable_since: standing.idp_unavailable_since,
  }
  if (idp_refresh_token === undefined || !isToBeAsked(asked, parts.now()))
    return withoutAsking(parts, asked)
  try {
    return await ask(parts, connection, idp_refresh_token)
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error
    const detail = { err: error, idp: connection.idp_id, connection_id: connection.id }
    parts.log.error(detail, 'the identity provider could not be asked about a connection')
    return bridged(parts, await parts.save.unavailable())
  }
}

async function ask(
  { upstream, save }: IdpCheckParts,
  { profile, org_id }: Connection,
  idp_refresh_token: string,
): Promise<IdpVerdict> {
  const standing = await upstream.refresh(idp_refresh_token, profile.idp_sub)
  if (standing.kind === 'refused')
    return { kind: 'ended', reason: 'idp_refused', detail: standing.error }
  if (standing.idp_refresh_token !== idp_refresh_token)
    await save.idpToken(standing.idp_refresh_token)
  const person = await standing.person()
  if (person && 'unwelcome' in person)
    return {
      kind: 'ended',
      reason: person.unwelcome === 'no_org' ? 'org_lost' : 'person_refused',
      detail: person.unwelcome,
    }
  if (person && !person.orgs.includes(org_id))
    return { kind: 'ended', reason: 'org_lost', detail: 'no_org' }
  const changed = person && profileOf(person, profile)
  if (changed && JSON.stringify(changed) !== JSON.stringify(profileOf(profile, profile)))
    await save.profile(changed)
  await save.asked()
  return { kind: 'current' }
}

function bridged(
  { now, outage_grace }: Pick<IdpCheckParts, 'outage_grace' | 'now'>,
  since: Date,
): IdpVerdict {
  return now() - since.getTime() <= outage_grace * 1000
    ? { kind: 'current' }
    : { kind: 'unavailable' }
}

/** The session at the identity provider is that of the sign-in, also where a refresh does not say. */
function profileOf(
  { email, roles }: Pick<Person, 'email' | 'roles'>,
  { idp_sub, idp_sid }: ConnectionProfile,
): ConnectionProfile {
  return { email, roles: [...roles].sort(), idp_sub, ...(idp_sid === undefined ? {} : { idp_sid }) }
}
