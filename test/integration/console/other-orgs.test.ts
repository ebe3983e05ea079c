import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import supertest from 'supertest'
import { noteClientName } from '../../../storage/client-names.ts'
import { decideOrgClient } from '../../../storage/decide-org-client.ts'
import { recordAuditEvent } from '../../../storage/audit.ts'
import { requestClient } from '../../../storage/org-clients.ts'
import { type ConsoleServer, cookieOf, openConsole } from '../../support/console.ts'
import { seedConnection } from '../../support/console-world.ts'

/**
 * Two organizations that share a client. Every value that belongs to one has a word in it which is
 * nowhere else: the word of the other in a response is a leak.
 */
const orgs = ['acme', 'globex'] as const
type Org = (typeof orgs)[number]
const word = { acme: 'only-of-acme', globex: 'only-of-globex' } as const
const other = { acme: 'globex', globex: 'acme' } as const

let server: ConsoleServer
/** Per org: an admin and somebody who is none. */
let cookies: Readonly<Record<Org, readonly string[]>>

beforeAll(async () => {
  server = await openConsole({
    settings: {
      org_policies: orgs.map(org => ({ org, unknown_clients: 'ask' })),
    },
  })
  const { store, db } = server
  for (const org_id of orgs) {
    const people = org_id === 'acme' ? ['dev-alice', 'dev-bob'] : ['dev-carol', 'dev-erin']
    // Mallory works for both.
    for (const sub of [...people, 'dev-mallory'])
      for (const client_id of ['dcr_shared', `dcr_${word[org_id]}`])
        await seedConnection(store, {
          id: `con_${sub}_${client_id}_${word[org_id]}`,
          user_id: server.userId(sub),
          ...{ org_id, client_id },
          email: `${sub}@${word[org_id]}.example`,
        })
    const waiting = {
      org_id,
      client_id: `dcr_waits_${word[org_id]}`,
      user_id: server.userId(people[0] ?? ''),
    }
    await requestClient(db, { ...waiting, client_name: `Waits ${word[org_id]}` })
    const kind = 'self_declared'
    await noteClientName(db, {
      client_id: `dcr_${word[org_id]}`,
      name: `App ${word[org_id]}`,
      kind,
    })
    await recordAuditEvent(db, {
      type: 'consent',
      outcome: 'refused',
      org_id,
      user_id: server.userId(people[0] ?? ''),
      email: `asker@${word[org_id]}.example`,
    })
    await decideOrgClient(
      store,
      { org_id, client_id: 'dcr_shared' },
      { status: 'approved', decided_by: server.userId(people[0] ?? '') },
    )
  }
  Object.assign(server.company.user('carol@globex.example'), { roles: ['admin'] })
  Object.assign(server.company.user('erin@acme.example'), {
    orgs: ['globex'],
    email: 'erin@globex.example',
  })
  const [alice = '', bob = '', carol = '', erin = ''] = await Promise.all(
    ['alice@acme.example', 'bob@acme.example', 'carol@globex.example', 'erin@globex.example'].map(
      name => cookieOf(server, name),
    ),
  )
  cookies = { acme: [alice, bob], globex: [carol, erin] }
})
afterAll(() => server.close())

/** Ids of both organizations, and some of nobody. */
const ids = () => ({
  org: [...orgs, 'nowhere', '', '..', 'ACME', 'acme ', 'acme/../globex', "acme' or '1'='1"],
  user: [
    ...['dev-alice', 'dev-bob', 'dev-carol', 'dev-erin', 'dev-mallory'].map(sub =>
      server.userId(sub),
    ),
    'usr_',
    '%00',
    "'",
  ],
  client: [
    'dcr_shared',
    ...orgs.flatMap(org => [`dcr_${word[org]}`, `dcr_waits_${word[org]}`]),
    '',
    '*',
  ],
  email: orgs.flatMap(org => ['dev-alice', 'dev-carol'].map(sub => `${sub}@${word[org]}.example`)),
})

/** Every page of an organization, with every id. */
function pagesOf(org: string): readonly string[] {
  const at = `/console/orgs/${encodeURIComponent(org)}`
  const { user, client, email } = ids()
  const [users, clients, emails] = [user, client, email].map(all => all.map(encodeURIComponent))
  return [
    ...['members', 'clients', 'limits'].map(page => `${at}/${page}`),
    ...(users ?? [])
      .flatMap(id => [`members/${id}`, `members/${id}/revoke-all`, `members?after=${id}`])
      .map(page => `${at}/${page}`),
    ...(clients ?? []).flatMap(id =>
      ['', '&ask=block', '&ask=revoke', '&ask=x'].map(ask => `${at}/client?id=${id}${ask}`),
    ),
    ...(emails ?? []).map(id => `${at}/members?email=${id}`),
  ]
}

function anyPath(): fc.Arbitrary<string> {
  return fc.oneof(
    {
      weight: 1,
      arbitrary: fc.constantFrom('/console', '/console/revoke-all', '/console?done=revoked.x'),
    },
    {
      weight: 9,
      arbitrary: fc.constantFrom(...ids().org).chain(org => fc.constantFrom(...pagesOf(org))),
    },
  )
}

/** What was asked for may be repeated; beyond that the other organization is not in it. */
function leaks(text: string, path: string, own: Org): boolean {
  const asked = decodeURIComponent(path)
  const said = asked.includes(word[other[own]]) ? text.replaceAll(/value="[^"]*"/g, '') : text
  return (
    said.includes(word[other[own]]) || (said.includes(other[own]) && !asked.includes(other[own]))
  )
}

describe('another organization', () => {
  it('C01 is on no page of one’s own, whatever is asked for there', async () => {
    for (const own of orgs)
      for (const cookie of cookies[own])
        await Promise.all(
          ['/console', ...pagesOf(own)].map(async path => {
            const response = await supertest(server.url)
              .get(path)
              .set('cookie', cookie)
              .redirects(0)
            expect([path, response.status < 500]).toEqual([path, true])
            expect([path, leaks(response.text, path, own)]).toEqual([path, false])
            // Nor whether somebody is known elsewhere.
            const to = response.headers['location'] ?? ''
            const strangers = own === 'acme' ? ['dev-carol', 'dev-erin'] : ['dev-alice', 'dev-bob']
            for (const sub of strangers) expect(to).not.toContain(server.userId(sub))
          }),
        )
  }, 60_000)

  it('C01 is in no response, whoever asks for whatever', async () => {
    await fc.assert(
      fc.asyncProperty(anyPath(), fc.constantFrom(...orgs), fc.nat(1), async (path, own, who) => {
        const response = await supertest(server.url)
          .get(path)
          .set('cookie', cookies[own][who] ?? '')
          .redirects(1)
        expect(response.status).toBeLessThan(500)
        expect(leaks(response.text, path, own)).toBe(false)
      }),
      { numRuns: 300 },
    )
  }, 60_000)

  it('C01 is changed by no form, whoever sends whatever', async () => {
    const tokens = await Promise.all(
      [...cookies.acme, ...cookies.globex].map(async cookie => {
        const { text } = await supertest(server.url).get('/console').set('cookie', cookie)
        return /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? ''
      }),
    )
    const stateOf = async (org: Org) => {
      const connections = await server.db
        .selectFrom('connections')
        .select(['id', 'status'])
        .where('org_id', '=', org)
        .orderBy('id')
        .execute()
      const decisions = await server.db
        .selectFrom('client_decisions')
        .select(['client_id', 'status'])
        .where('org_id', '=', org)
        .orderBy('client_id')
        .execute()
      return JSON.stringify({ connections, decisions })
    }
    const before = await stateOf('globex')
    const targets = ids()
    const enc = encodeURIComponent
    const paths = fc.oneof(
      fc
        .constantFrom(...orgs)
        .chain(org =>
          fc
            .constantFrom(...['dev-carol', 'dev-erin', 'dev-bob'])
            .map(
              sub => `/console/orgs/${org}/connections/con_${sub}_dcr_shared_${word.globex}/revoke`,
            ),
        ),
      fc
        .constantFrom('dev-carol', 'dev-erin')
        .map(sub => `/console/connections/con_${sub}_dcr_shared_${word.globex}/revoke`),
      fc
        .tuple(fc.constantFrom('globex', 'nowhere'), fc.constantFrom(...targets.user))
        .map(([org, user]) => `/console/orgs/${org}/members/${enc(user)}/revoke-all`),
      fc
        .tuple(fc.constantFrom('globex', 'nowhere'), fc.constantFrom(...targets.client))
        .map(([org, client]) => `/console/orgs/${org}/client?id=${enc(client)}`),
    )
    const decision = fc.constantFrom('approve', 'refuse', 'block', 'revoke')
    await fc.assert(
      fc.asyncProperty(paths, decision, fc.nat(1), async (path, decision, who) => {
        const response = await supertest(server.url)
          .post(path)
          .set('cookie', cookies.acme[who] ?? '')
          .type('form')
          .send({ csrf: tokens[who] ?? '', decision })
        expect(response.status).toBe(404)
        expect(leaks(response.text, path, 'acme')).toBe(false)
      }),
      { numRuns: 150 },
    )
    expect(await stateOf('globex')).toBe(before)
  }, 60_000)
})
