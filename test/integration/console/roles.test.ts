import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import supertest from 'supertest'
import { type ConsoleServer, cookieOf, openConsole } from '../../support/console.ts'
import { seedWorld } from '../../support/console-world.ts'

/** Who asks: an admin of acme, one of its users, somebody of another organization, nobody. */
const roles = ['admin', 'user', 'other_org', 'signed_out'] as const
type Role = (typeof roles)[number]

let server: ConsoleServer
let cookies: Readonly<Record<Role, string>>
beforeAll(async () => {
  server = await openConsole()
  await seedWorld(server.store, sub => server.userId(sub))
  // An admin too, of the other organization.
  server.company.user('carol@globex.example').roles = ['admin']
  const [admin = '', user = '', other_org = ''] = await Promise.all(
    ['alice@acme.example', 'bob@acme.example', 'carol@globex.example'].map(name =>
      cookieOf(server, name),
    ),
  )
  cookies = { admin, user, other_org, signed_out: '' }
})
afterAll(() => server.close())

const bob = () => encodeURIComponent(server.userId('dev-bob'))
const bobs = 'con_acme_dev-bob_dcr_shared'

/** Every page, with what each role gets: 200 the page, 404 nothing, 302 the way to the sign-in. */
const pages: readonly (readonly [
  path: () => string,
  statuses: readonly [number, number, number, number],
])[] = [
  [() => '/console', [200, 200, 200, 302]],
  [() => '/console/revoke-all', [200, 200, 200, 302]],
  [() => '/console/orgs/acme/members', [200, 404, 404, 302]],
  [() => `/console/orgs/acme/members/${bob()}`, [200, 404, 404, 302]],
  [() => `/console/orgs/acme/members/${bob()}/revoke-all`, [200, 404, 404, 302]],
  [() => '/console/orgs/acme/clients', [200, 404, 404, 302]],
  [() => '/console/orgs/acme/client?id=dcr_of_acme', [200, 404, 404, 302]],
  [() => '/console/orgs/acme/client?id=dcr_of_acme&ask=block', [200, 404, 404, 302]],
  [() => '/console/orgs/acme/limits', [200, 404, 404, 302]],
  // Of another organization, or nobody's: the same for everybody but its own admin.
  [() => '/console/orgs/globex/members', [404, 404, 200, 302]],
  [() => `/console/orgs/globex/members/${bob()}`, [404, 404, 404, 302]],
  [() => '/console/orgs/globex/client?id=dcr_of_acme', [404, 404, 404, 302]],
  [() => '/console/orgs/nowhere/members', [404, 404, 404, 302]],
  [() => '/console/orgs/acme/members/usr_nobody', [404, 404, 404, 302]],
  [() => '/console/orgs/acme/client?id=dcr_of_globex', [404, 404, 404, 302]],
  [() => '/console/orgs/acme/client', [404, 404, 404, 302]],
  [() => '/console/orgs/%E0%A4%A/members', [404, 404, 404, 302]],
  [() => '/console/nothing', [404, 404, 404, 302]],
  [() => '/console/signed-out', [200, 200, 200, 200]],
]

/** Every form, sent without its token: nobody gets past that. */
const forms: readonly (() => string)[] = [
  () => '/console/sign-out',
  () => `/console/connections/${bobs}/revoke`,
  () => '/console/revoke-all',
  () => '/console/approvals/forget',
  () => `/console/orgs/acme/connections/${bobs}/revoke`,
  () => `/console/orgs/acme/members/${bob()}/revoke-all`,
  () => '/console/orgs/acme/client?id=dcr_of_acme',
]

const ask = (method: 'get' | 'post', path: string, role: Role) =>
  supertest(server.url)[method](path).set('cookie', cookies[role]).redirects(0)

describe('every page, by who asks', () => {
  it.each(
    pages.flatMap(([path, statuses]) =>
      roles.map((role, n) => [String(path), role, path, statuses[n]] as const),
    ),
  )('C01 %s for %s', async (_name, role, path, status) => {
    const response = await ask('get', path(), role)
    expect(response.status).toBe(status)
    if (status === 302) expect(response.headers['location']).toContain(`${server.url}/authorize?`)
    else
      expect(response.headers['content-security-policy']).toMatch(
        /^default-src 'none'; style-src 'self'/,
      )
    expect(response.headers['cache-control']).toBe('no-store')
    expect(response.text).not.toMatch(/<script|<style|\sstyle=|\son[a-z]+=/)
  })
})

describe('every form without the token of the session', () => {
  it.each(forms.flatMap(path => roles.map(role => [String(path), role, path] as const)))(
    'C03 %s for %s',
    async (_name, role, path) => {
      for (const csrf of [undefined, '', 'x'.repeat(43)]) {
        const response = await ask('post', path(), role)
          .type('form')
          .send(csrf === undefined ? {} : { csrf })
        expect(response.status).toBe(role === 'signed_out' ? 401 : 403)
      }
      const left = await server.db
        .selectFrom('connections')
        .select('id')
        .where('status', '=', 'active')
        .execute()
      expect(left).toHaveLength(6)
    },
  )

  it('C03 nor with that of somebody else', async () => {
    const { text } = await ask('get', '/console', 'user')
    const csrf = /name="csrf" value="([^"]+)"/.exec(text)?.[1]
    expect(csrf).toMatch(/^[\w-]{43}$/)
    const response = await ask('post', '/console/revoke-all', 'admin').type('form').send({ csrf })
    expect(response.status).toBe(403)
  })
})

describe('a form with its token, for what is not theirs', () => {
  const post = async (role: Role, path: string, fields: Readonly<Record<string, string>> = {}) => {
    const { text } = await ask('get', '/console', role)
    const csrf = /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? ''
    return ask('post', path, role)
      .type('form')
      .send({ csrf, ...fields })
  }
  const others: readonly (readonly [
    role: Role,
    path: () => string,
    fields?: Readonly<Record<string, string>>,
  ])[] = [
    ['user', () => '/console/connections/con_acme_dev-alice_dcr_shared/revoke'],
    ['admin', () => `/console/connections/${bobs}/revoke`],
    ['other_org', () => `/console/connections/${bobs}/revoke`],
    ['user', () => '/console/approvals/forget', { org_id: 'globex', client_id: 'dcr_shared' }],
    ['user', () => '/console/orgs/acme/connections/con_acme_dev-alice_dcr_shared/revoke'],
    ['other_org', () => `/console/orgs/acme/connections/${bobs}/revoke`],
    ['other_org', () => `/console/orgs/globex/connections/${bobs}/revoke`],
    ['admin', () => '/console/orgs/acme/connections/con_globex_dev-carol_dcr_shared/revoke'],
    ['other_org', () => `/console/orgs/globex/members/${bob()}/revoke-all`],
    ['other_org', () => '/console/orgs/globex/client?id=dcr_of_acme', { decision: 'block' }],
    ['admin', () => '/console/orgs/acme/client?id=dcr_waits_in_globex', { decision: 'approve' }],
  ]

  it.each(others.map(([role, path, fields]) => [role, String(path), path, fields] as const))(
    'C01 %s at %s is told that there is nothing, and nothing has changed',
    async (role, _name, path, fields) => {
      const response = await post(role, path(), fields)
      expect(response.status).toBe(404)
      const left = await server.db
        .selectFrom('connections')
        .select('id')
        .where('status', '=', 'active')
        .execute()
      expect(left).toHaveLength(6)
      expect(await server.db.selectFrom('client_decisions').selectAll().execute()).toEqual([])
    },
  )

  it('C03 a decision that is none is refused', async () => {
    const path = '/console/orgs/acme/client?id=dcr_of_acme'
    for (const decision of ['', 'delete', '__proto__'])
      expect((await post('admin', path, { decision })).status).toBe(400)
  })

  it('C03 a form that is too long, or no form, is refused', async () => {
    const long = await post('user', '/console/revoke-all', { more: 'x'.repeat(20_000) })
    expect(long.status).toBe(413)
    const json = await ask('post', '/console/revoke-all', 'user').send({ csrf: 'x' })
    expect(json.status).toBe(403)
  })
})
