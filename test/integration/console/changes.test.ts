import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import type { Browser, Page } from '../../../gateway/local/demo/browser.ts'
import { type ConsoleServer, openConsole, visit } from '../../support/console.ts'
import { seedWorld } from '../../support/console-world.ts'

let server: ConsoleServer
let browser: Browser
let page: Page
beforeAll(async () => {
  server = await openConsole()
})
afterAll(() => server.close())
beforeEach(async () => {
  await sql`truncate connections, approvals, client_decisions, client_requests, oidc_records, audit_events`.execute(
    server.db,
  )
  await seedWorld(server.store, sub => server.userId(sub))
})

const signIn = async (username: string) => {
  ;({ browser, page } = await visit(server, username))
}
const open = async (path: string) => {
  page = await browser.open(new URL(path, server.url))
  return page
}
/** Sends the form of the page that leads there. */
const send = async (action: string, press?: { readonly name: string; readonly value: string }) => {
  const form = page.forms.find(form => form.action.endsWith(action))
  if (!form) throw new Error(`no form leads to ${action}: ${page.forms.map(f => f.action).join()}`)
  page = await browser.submit(page, form, press ? { press } : {})
  return page
}
const active = async () =>
  (
    await server.db
      .selectFrom('connections')
      .select('id')
      .where('status', '=', 'active')
      .orderBy('id')
      .execute()
  ).map(({ id }) => id)
const trail = async () =>
  (
    await server.db
      .selectFrom('audit_events')
      .selectAll()
      .where('type', 'in', ['revocation', 'consent'])
      .orderBy('id')
      .execute()
  ).map(
    ({
      type,
      outcome,
      reason,
      error_code,
      user_id,
      org_id,
      client_id,
      connection_id,
      request_id,
    }) => ({
      ...{ type, outcome, reason, error_code, user_id, org_id, client_id, connection_id },
      has_request_id: request_id !== null,
    }),
  )
const text = () => page.html.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ')

describe('a person', () => {
  beforeEach(() => signIn('bob@acme.example'))

  it('C01 sees each connection: app and who vouches for it, org, what it may do, since and until when', () => {
    expect(text()).toContain('Shared app Verified Registered by the operator')
    expect(text()).toContain('App of acme Not verified The app chose this name itself')
    expect(text()).toContain('It may Use the tools of this server in your name')
    expect(text()).toMatch(
      /Approved \d+ \w+ \d{4}, \d\d:\d\d UTC Last used Not yet Ends \d+ \w+ \d{4}/,
    )
    expect(text()).not.toContain('globex')
  })

  it('C01 T08 ends one, on record, and is told so once', async () => {
    const id = 'con_acme_dev-bob_dcr_shared'
    await send(`/connections/${id}/revoke`)
    expect(page.status).toBe(200)
    expect(text()).toContain('The connection has ended.')
    expect(await active()).not.toContain(id)
    expect(await active()).toHaveLength(5)
    expect(await trail()).toEqual([
      {
        type: 'revocation',
        outcome: 'ok',
        reason: 'user_revoked',
        error_code: null,
        user_id: server.userId('dev-bob'),
        org_id: 'acme',
        client_id: 'dcr_shared',
        connection_id: id,
        has_request_id: true,
      },
    ])
    await open('/console')
    expect(text()).not.toContain('has ended')
  })

  it('C01 ends all of them, after a question, and has none left', async () => {
    await open('/console/revoke-all')
    expect(await active()).toHaveLength(6)
    await send('/revoke-all')
    expect(text()).toContain('The connections have ended.')
    expect(text()).toContain('No AI app is connected in your name.')
    expect((await active()).filter(id => id.includes('dev-bob'))).toEqual([])
    expect(await active()).toHaveLength(4)
  })

  it('C01 forgets an approval, and no connection ends', async () => {
    expect(text()).toContain('You are not asked again')
    const form = page.forms.find(({ action }) => action === '/console/approvals/forget')
    if (!form) throw new Error('there is nothing to forget')
    page = await browser.submit(page, form)
    expect(text()).toContain('Forgotten.')
    expect(await active()).toHaveLength(6)
    const left = await server.db.selectFrom('approvals').selectAll().execute()
    expect(left).toHaveLength(5)
    expect(await trail()).toMatchObject([{ reason: 'approval forgotten, user', org_id: 'acme' }])
  })

  it('C03 is told of nothing that did not happen', async () => {
    for (const done of ['revoked', 'revoked.x', 'revoked.AAAAAAAAAAAAAAAAAAAAAA', '__proto__.x']) {
      await open(`/console?done=${done}`)
      expect(text()).not.toContain('has ended')
    }
    await open('/console?done=revoked.x&done=revoked.y')
    expect(page.status).toBe(200)
  })

  it('C01 signs out here and at the gateway, and connections go on', async () => {
    const sessions = () =>
      server.db
        .selectFrom('oidc_records')
        .select('model')
        .where('model', 'in', ['Session', 'ConsoleSession'])
        .execute()
    expect(await sessions()).toHaveLength(2)
    await send('/sign-out')
    expect(page.url.pathname).toBe('/console/signed-out')
    expect(await sessions()).toEqual([])
    expect(await active()).toHaveLength(6)
    await open('/console')
    expect(page.says).toContain('Sign in to Console')
  })
})

describe('an admin', () => {
  beforeEach(() => signIn('alice@acme.example'))

  it('C01 sees who has connected what, and finds somebody by their address', async () => {
    await open('/console/orgs/acme/members')
    expect(text()).toContain('alice@acme.example 2')
    expect(text()).toContain('bob@acme.example 2')
    expect(text()).not.toContain('globex')
    await open('/console/orgs/acme/members?email=BOB@acme.example')
    expect(page.url.pathname).toContain(server.userId('dev-bob'))
    await open('/console/orgs/acme/members?email=carol@globex.example')
    expect(text()).toContain('Nobody with this address')
  })

  it('C01 T08 ends one connection of somebody, on record with who did it', async () => {
    await open(`/console/orgs/acme/members/${server.userId('dev-bob')}`)
    await send('con_acme_dev-bob_dcr_of_acme/revoke')
    expect(text()).toContain('The connection has ended.')
    expect(await trail()).toMatchObject([
      {
        reason: `admin_revoked: by ${server.userId('dev-alice')}`,
        user_id: server.userId('dev-bob'),
        has_request_id: true,
      },
    ])
    await send('con_acme_dev-bob_dcr_shared/revoke')
    expect(page.url.pathname).toBe('/console/orgs/acme/members')
    expect(text()).not.toContain('bob@acme.example')
  })

  it('T08 ends everything of a person, and signs them out of the console', async () => {
    const bob = await visit(server, 'bob@acme.example')
    await open(`/console/orgs/acme/members/${server.userId('dev-bob')}/revoke-all`)
    await send('/revoke-all')
    expect(text()).toContain('signed out in every browser')
    expect(await active()).toHaveLength(4)
    const after = await bob.browser.open(new URL('/console', server.url))
    expect(after.says).toContain('Sign in to Console')
  })

  it('T08 ends what one app has in the organization, and in no other', async () => {
    await open('/console/orgs/acme/client?id=dcr_shared&ask=revoke')
    await send('client?id=dcr_shared', { name: 'decision', value: 'revoke' })
    expect(text()).toContain('The connections have ended.')
    expect((await active()).filter(id => id.endsWith('dcr_shared'))).toEqual([
      'con_globex_dev-carol_dcr_shared',
    ])
  })

  it.each([
    ['approve', 'approved', 'Approved.'],
    ['refuse', 'refused', 'Refused.'],
  ])('R09 C01 answers an app that waits: %s', async (decision, status, said) => {
    await open('/console/orgs/acme/clients')
    expect(text()).toContain('Waiting app of acme')
    expect(text()).not.toContain('globex')
    await send('client?id=dcr_waits_in_acme', { name: 'decision', value: decision })
    expect(text()).toContain(said)
    const decided = await server.db.selectFrom('client_decisions').selectAll().execute()
    expect(decided).toMatchObject([
      {
        org_id: 'acme',
        client_id: 'dcr_waits_in_acme',
        status,
        decided_by: server.userId('dev-alice'),
      },
    ])
    expect(await trail()).toMatchObject([
      {
        type: 'consent',
        error_code: `client_${status}`,
        user_id: server.userId('dev-alice'),
        has_request_id: true,
      },
    ])
    expect(await active()).toHaveLength(6)
  })

  it('R09 C01 blocks an app, which ends what it has here', async () => {
    await open('/console/orgs/acme/client?id=dcr_shared')
    expect(text()).toContain('Nothing was decided')
    await open('/console/orgs/acme/client?id=dcr_shared&ask=block')
    expect(text()).toContain('Block this app?')
    await send('client?id=dcr_shared', { name: 'decision', value: 'block' })
    expect(text()).toContain('Blocked.')
    expect((await active()).filter(id => id.includes('acme') && id.endsWith('shared'))).toEqual([])
    expect(await active()).toHaveLength(4)
    const reasons = (await trail()).map(({ reason, error_code }) => error_code ?? reason)
    expect(reasons).toEqual(['client_blocked', 'client_blocked', 'client_blocked'])
  })

  it('C01 reads the session lengths that the gateway runs with', async () => {
    await open('/console/orgs/acme/limits')
    expect(text()).toContain('A connection, from its approval on 30 days')
    expect(text()).toContain('10 minutes')
    expect(text()).toContain('People may connect them themselves')
    expect(text()).toContain('The limits are not shown here.')
  })
})
