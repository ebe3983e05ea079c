import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Headers } from '../../../gateway/plugin-server/pdk.ts'
import type { Connection } from '../../../storage/connections.ts'
import type { Settings } from '../config/settings.ts'
import { type AccessToken, createTokenVerifier } from './access-token.ts'
import { signAssertion } from './assertion.ts'
import { type Credentials, isBase64Token } from './bearer-token.ts'
import { refuse, type Refusal } from './challenge.ts'
import { connectionProblem } from './connection-problem.ts'
import { type Identity, identityHeaders } from './identity.ts'

export interface Admission {
  readonly refused: false
  readonly identity: Identity
  /** What takes the place of the client's headers, the assertion among them. */
  readonly headers: Headers
}

export type Verdict = Admission | Refusal

export interface Door {
  /**
   * Decides on one request: at once when nothing has to be waited for, as it is for almost all.
   * Rejects when it cannot tell: the caller answers 503.
   */
  judge(credentials: Credentials): Verdict | Promise<Verdict>
  /** How many tokens are remembered as verified. */
  remembered(): number
}

export interface DoorParts {
  /** The state of a connection, from the cache or the database; `undefined` when there is none. */
  readonly connection: (id: string) => Connection | undefined | Promise<Connection | undefined>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Tokens whose signature was checked, by hash: an entry costs about 1 kB. */
const most_verified_tokens = 20_000
/** An assertion is handed out again for half its life at the most, so it never arrives stale. */
const assertion_reuse = 0.5

interface Verified {
  readonly token: AccessToken
  /** Whether it was granted a scope of this server. */
  readonly in_scope: boolean
  /** Of this very state of the connection, and good until then. */
  signed?: { readonly admission: Admission; readonly state: Connection; readonly until: number }
}

const known_nothing = 'Sign in to use this server.'
const bad_token = 'The access token is not valid here. Refresh it or sign in again.'

/**
 * Token validation: signature, `typ`, audience and times, then the connection's own state. A
 * signature is checked once per token; expiry and the connection are looked at on every request.
 */
export function createDoor(settings: Settings, { connection, now }: DoorParts): Door {
  const verify = createTokenVerifier(settings, now)
  const verified = new LRUCache<string, Verified>({ max: most_verified_tokens })
  const known_scopes = new Set(settings.scopes.map(scope => scope.name))

  function lookUp(jwt: string): Verified | Promise<Verified | Refusal> {
    const key = hash('sha256', jwt, 'base64')
    const known = verified.get(key)
    if (known && known.token.exp * 1000 > now()) return known
    verified.delete(key)
    return verifyAnew(jwt, key)
  }

  async function verifyAnew(jwt: string, key: string): Promise<Verified | Refusal> {
    if (!isBase64Token(jwt)) return malformed()
    const verdict = await verify(jwt)
    if ('refused' in verdict)
      return refuse(
        settings,
        'invalid_token',
        bad_token,
        verdict.refused === 'ERR_JWT_EXPIRED' ? 'expired' : 'invalid_token',
        `token refused: ${verdict.refused}`,
      )
    const { token } = verdict
    const in_scope = token.scope.split(' ').some(scope => known_scopes.has(scope))
    const entry = { token, in_scope }
    verified.set(key, entry)
    return entry
  }

  function admit(entry: Verified, state: Connection): Admission | Promise<Admission> {
    const time = now()
    const { signed } = entry
    if (signed && signed.until > time && signed.state === state) return signed.admission
    return admitAnew(entry, state, time)
  }

  function decide(entry: Verified, state: Connection | undefined): Verdict | Promise<Verdict> {
    const problem = connectionProblem(entry.token, state, now())
    if (problem || !state)
      return refuse(settings, 'invalid_token', bad_token, 'connection', problem ?? 'no connection')
    if (!entry.in_scope)
      return refuse(
        settings,
        'insufficient_scope',
        'The access token was not granted a scope of this server.',
        'scope',
        'scope',
      )
    return admit(entry, state)
  }

  function judgeToken(entry: Verified | Refusal): Verdict | Promise<Verdict> {
    if ('refused' in entry) return entry
    const state = connection(entry.token.sid)
    return state instanceof Promise
      ? state.then(found => decide(entry, found))
      : decide(entry, state)
  }

  function malformed(): Refusal {
    return refuse(settings, 'invalid_token', bad_token, 'malformed', 'malformed header')
  }

  async function admitAnew(entry: Verified, state: Connection, time: number): Promise<Admission> {
    const identity = identityOf(entry.token, state)
    const assertion = await signAssertion(settings, identity, time)
    const admission: Admission = {
      refused: false,
      identity,
      // Never changed, so that they are encoded for Kong once.
      headers: Object.freeze(identityHeaders(identity, assertion)),
    }
    const until = time + settings.assertion_ttl * 1000 * assertion_reuse
    entry.signed = { admission, state, until }
    return admission
  }

  return {
    remembered: () => verified.size,
    judge(credentials) {
      if (credentials.kind === 'none')
        return refuse(settings, undefined, known_nothing, 'no_token', 'no token')
      if (credentials.kind === 'malformed') return malformed()
      const entry = lookUp(credentials.token)
      return entry instanceof Promise ? entry.then(judgeToken) : judgeToken(entry)
    },
  }
}

function identityOf(token: AccessToken, connection: Connection): Identity {
  return {
    user_id: connection.user_id,
    org_id: connection.org_id,
    email: connection.profile.email,
    roles: connection.profile.roles,
    client_id: connection.client_id,
    scope: token.scope,
    connection_id: connection.id,
  }
}
