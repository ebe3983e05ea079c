import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Headers } from '../../../gateway/plugin-server/pdk.ts'
import type { Connection } from '../../../storage/connections.ts'
import type { Settings } from '../config/settings.ts'
import { type AccessToken, createTokenVerifier } from './access-token.ts'
import { signAssertion } from './assertion.ts'
import type { Credentials } from './bearer-token.ts'
import { refuse, type Refusal } from './challenge.ts'
import { connectionProblem } from './connection-problem.ts'
import { type Identity, identityHeaders } from './identity.ts'

export interface Admission {
  readonly refused: false
  readonly identity: Identity
  /** What takes the place of the client's headers, the assertion among them. */
  readonly headers: Headers
}

export interface Door {
  /** Decides on one request. Rejects when it cannot tell: the caller answers 503. */
  judge(credentials: Credentials): Promise<Admission | Refusal>
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

  /** Without a promise where nothing has to be waited for: so it is for almost every request. */
  function lookUp(jwt: string): Verified | Promise<Verified | Refusal> {
    const key = hash('sha256', jwt, 'base64')
    const known = verified.get(key)
    if (known && known.token.exp * 1000 > now()) return known
    verified.delete(key)
    return verifyAnew(jwt, key)
  }

  async function verifyAnew(jwt: string, key: string): Promise<Verified | Refusal> {
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
    async judge(credentials) {
      if (credentials.kind === 'none')
        return refuse(settings, undefined, known_nothing, 'no_token', 'no token')
      if (credentials.kind === 'malformed')
        return refuse(settings, 'invalid_token', bad_token, 'malformed', 'malformed header')
      const looked_up = lookUp(credentials.token)
      const entry = looked_up instanceof Promise ? await looked_up : looked_up
      if ('refused' in entry) return entry
      const { token } = entry
      const found = connection(token.sid)
      const state = found instanceof Promise ? await found : found
      const problem = connectionProblem(token, state, now())
      if (problem || !state)
        return refuse(
          settings,
          'invalid_token',
          bad_token,
          'connection',
          problem ?? 'no connection',
        )
      if (!entry.in_scope)
        return refuse(
          settings,
          'insufficient_scope',
          'The access token was not granted a scope of this server.',
          'scope',
          'scope',
        )
      return admit(entry, state)
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
