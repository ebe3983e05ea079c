import { describe, expect, it } from '@jest/globals'
import { checkWithIdp } from '../../../../../plugins/mcp-oidc/connections/idp-check.ts'
import type { Person, Refused } from '../../../../../plugins/mcp-oidc/sign-in/person.ts'
import type { Standing } from '../../../../../plugins/mcp-oidc/sign-in/standing.ts'
import { UpstreamError } from '../../../../../plugins/mcp-oidc/sign-in/upstream-error.ts'
import { LeaseLost, type IdpStanding } from '../../../../../storage/connection-lease.ts'
import type { Connection, ConnectionProfile } from '../../../../../storage/connections.ts'
import { recordingLog } from '../../../../support/fake-kong.ts'

const now = Date.parse('2026-11-23T12:00:00Z')
const ago = (seconds: number) => new Date(now - seconds * 1000)
const outage_grace = 600

const profile: ConnectionProfile = {
  email: 'alice@acme.example',
  roles: ['admin', 'viewer'],
  idp_sub: 'alice',
  idp_sid: 'session',
}
const connection: Connection = {
  ...{ id: 'con_1', user_id: 'usr_1', org_id: 'acme', client_id: 'client', idp_id: 'dev' },
  ...{ expires_at: ago(-60), created_at: ago(900), profile, status: 'active' },
  ...{ ended_reason: undefined, ended_at: undefined, last_used_at: undefined },
}
const alice: Person = {
  user_id: 'usr_1',
  email: 'alice@acme.example',
  orgs: ['acme'],
  roles: ['viewer', 'admin'],
  idp_sub: 'alice',
  idp_sid: 'session',
}
const unwelcome = (why: Refused['unwelcome']): Refused => ({
  unwelcome: why,
  who: { user_id: 'usr_1' },
})
const outage = new UpstreamError('unreachable', new TypeError('fetch failed'))

interface Case {
  readonly standing?: Partial<IdpStanding>
  /** What the identity provider answers; the token `second` and alice, unless told. */
  readonly answer?: Standing | Error
  readonly person?: Person | Refused | undefined | Error
  /** The token that comes back. */
  readonly token?: string
  /** What cannot be stored. */
  readonly broken?: 'idpToken' | 'profile' | 'asked' | 'unavailable'
  /** Since when the storage says that the provider cannot be asked. */
  readonly since?: Date
}

/** The verdict, and everything that happened on the way to it, in order. */
async function check(of: Case) {
  const effects: unknown[] = []
  const log = recordingLog()
  const person = () => {
    effects.push('reads who it is')
    const who = 'person' in of ? of.person : alice
    return who instanceof Error ? Promise.reject(who) : Promise.resolve(who)
  }
  const { answer = { kind: 'welcome', idp_refresh_token: of.token ?? 'second', person } } = of
  const stores = async (what: NonNullable<Case['broken']>, value?: unknown) => {
    // Whatever is not waited for comes too late to be in order.
    await new Promise(resolve => setImmediate(resolve))
    if (of.broken === what) throw new LeaseLost('lost')
    effects.push(value === undefined ? what : [what, value])
  }
  const verdict = checkWithIdp(
    {
      upstream: {
        refresh: (token, sub) => {
          effects.push(['asks', token, sub])
          return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
        },
      },
      outage_grace,
      now: () => now,
      log,
      save: {
        idpToken: token => stores('idpToken', token),
        profile: profile => stores('profile', profile),
        asked: () => stores('asked'),
        unavailable: async () => {
          await stores('unavailable')
          return of.since ?? ago(0)
        },
      },
    },
    connection,
    {
      idp_refresh_token: 'first',
      idp_asked_at: ago(60),
      idp_unavailable_since: undefined,
      ...of.standing,
    },
  )
  const outcome = await verdict.catch((error: unknown) => error)
  return { verdict: outcome, effects, log }
}

const asks = ['asks', 'first', 'alice']
const current = { kind: 'current' }

describe('T05 whether the identity provider is asked', () => {
  it.each<[string, Partial<IdpStanding>]>([
    ['nothing to ask with', { idp_refresh_token: undefined, idp_asked_at: undefined }],
    ['it was asked 59 seconds ago', { idp_asked_at: ago(59) }],
    ['it was asked by a clock ahead of ours', { idp_asked_at: ago(-5) }],
  ])('not with %s', async (_name, standing) => {
    expect(await check({ standing })).toMatchObject({ verdict: current, effects: [] })
  })

  it.each<[string, Partial<IdpStanding>]>([
    ['a minute ago', { idp_asked_at: ago(60) }],
    ['never', { idp_asked_at: undefined }],
  ])('when it was asked %s', async (_name, standing) => {
    expect((await check({ standing })).effects).toContainEqual(asks)
  })
})

describe('T05 what a welcome leads to', () => {
  it('the rotated token is stored before anything is read', async () => {
    const { verdict, effects } = await check({})
    expect(verdict).toEqual(current)
    expect(effects).toEqual([asks, ['idpToken', 'second'], 'reads who it is', 'asked'])
  })

  it('a token that stays is not stored again', async () => {
    const { effects } = await check({ token: 'first' })
    expect(effects).toEqual([asks, 'reads who it is', 'asked'])
  })

  it('a provider that says nothing of people changes nothing', async () => {
    const { verdict, effects } = await check({ person: undefined })
    expect(verdict).toEqual(current)
    expect(effects).toEqual([asks, ['idpToken', 'second'], 'reads who it is', 'asked'])
  })

  it.each<[string, Partial<Person>, Partial<ConnectionProfile>]>([
    ['a lost role', { roles: ['viewer'] }, { roles: ['viewer'] }],
    ['another role', { roles: ['z', 'admin'] }, { roles: ['admin', 'z'] }],
    ['another email', { email: 'alice@new.example' }, { email: 'alice@new.example' }],
  ])('%s is stored before the answer counts', async (_name, change, stored) => {
    const { verdict, effects } = await check({ person: { ...alice, ...change } })
    expect(verdict).toEqual(current)
    expect(effects.slice(3)).toEqual([['profile', { ...profile, ...stored }], 'asked'])
  })

  it.each<[string, Partial<Person>]>([
    ['another session', { idp_sid: 'another' }],
    ['one more org', { orgs: ['globex', 'acme'] }],
    ['another name', { name: 'Alice' }],
  ])('%s changes nothing about the connection', async (_name, change) => {
    const { effects } = await check({ person: { ...alice, ...change } })
    expect(effects.slice(3)).toEqual(['asked'])
  })
})

describe('T05 what ends a connection', () => {
  it('a refusal, in the words of the provider', async () => {
    const { verdict, effects } = await check({
      answer: { kind: 'refused', error: 'invalid_grant' },
    })
    expect(verdict).toEqual({ kind: 'ended', reason: 'idp_refused', detail: 'invalid_grant' })
    expect(effects).toEqual([asks])
  })

  it.each<[string, Person | Refused, string, string]>([
    [
      'the org is not among those of the person',
      { ...alice, orgs: ['globex'] },
      'org_lost',
      'no_org',
    ],
    ['there is no org at all', unwelcome('no_org'), 'org_lost', 'no_org'],
    ['the email is gone', unwelcome('no_email'), 'person_refused', 'no_email'],
    [
      'it is verified no more',
      unwelcome('email_not_verified'),
      'person_refused',
      'email_not_verified',
    ],
    ['the roles are too many', unwelcome('too_many_roles'), 'person_refused', 'too_many_roles'],
  ])('%s', async (_name, person, reason, detail) => {
    const { verdict, effects } = await check({ person })
    expect(verdict).toEqual({ kind: 'ended', reason, detail })
    expect(effects).toEqual([asks, ['idpToken', 'second'], 'reads who it is'])
  })
})

describe('T05 an identity provider that cannot be asked', () => {
  it('is bridged, and its error is on record without a token', async () => {
    const { verdict, effects, log } = await check({ answer: outage })
    expect(verdict).toEqual(current)
    expect(effects).toEqual([asks, 'unavailable'])
    expect(log.entries).toHaveLength(1)
    expect(JSON.stringify(log.entries)).not.toMatch(/first|second/)
  })

  it('is bridged also when only the claims cannot be read, with the token safe', async () => {
    const { verdict, effects } = await check({ person: outage })
    expect(verdict).toEqual(current)
    expect(effects).toEqual([asks, ['idpToken', 'second'], 'reads who it is', 'unavailable'])
  })

  const waiting = { kind: 'unavailable' }
  it.each([
    [0, current],
    [outage_grace, current],
    [outage_grace + 1, waiting],
  ])('for %i seconds: %j', async (seconds, verdict) => {
    const since = ago(seconds)
    expect((await check({ answer: outage, since })).verdict).toEqual(verdict)
    expect((await check({ person: outage, since })).verdict).toEqual(verdict)
    const standing = { idp_asked_at: ago(59), idp_unavailable_since: since }
    expect(await check({ standing })).toMatchObject({ verdict, effects: [] })
  })
})

describe('T05 what cannot be stored', () => {
  it.each<[Case['broken'] & string, unknown[]]>([
    ['idpToken', [asks]],
    ['profile', [asks, ['idpToken', 'second'], 'reads who it is']],
    ['asked', [asks, ['idpToken', 'second'], 'reads who it is', 'profile']],
  ])('%s: nothing is decided, and nothing follows', async (broken, effects) => {
    const happened = await check({ broken, person: { ...alice, roles: [] } })
    expect(happened.verdict).toBeInstanceOf(LeaseLost)
    expect(happened.effects.map(effect => (isProfile(effect) ? 'profile' : effect))).toEqual(
      effects,
    )
  })

  it('an outage that cannot be noted bridges nothing', async () => {
    const { verdict } = await check({ answer: outage, broken: 'unavailable' })
    expect(verdict).toBeInstanceOf(LeaseLost)
  })

  it('a bug is no outage', async () => {
    const { verdict, effects } = await check({ answer: new RangeError('a bug') })
    expect(verdict).toEqual(new RangeError('a bug'))
    expect(effects).toEqual([asks])
  })
})

function isProfile(effect: unknown): boolean {
  return Array.isArray(effect) && effect[0] === 'profile'
}
