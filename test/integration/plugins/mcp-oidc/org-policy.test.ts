import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import type { Page } from '../../../../gateway/local/demo/browser.ts'
import { decideOrgClient } from '../../../../storage/decide-org-client.ts'
import {
  type ClientDecision,
  decideClient,
  listOrgClients,
  lockOrgClient,
} from '../../../../storage/org-clients.ts'
import {
  type AuthorizationServer,
  callback,
  formOf,
  openAuthorizationServer,
} from '../../../support/authorization-server.ts'
import { allow, ask, newClient, remember } from '../../../support/consent-steps.ts'
import { obtainTokens, refresh } from '../../../support/oauth-flow.ts'
import { expectSoon } from '../../../support/soon.ts'
import { signInSteps } from '../../../support/sign-in-steps.ts'

let server: AuthorizationServer
beforeAll(async () => {
  server = await openAuthorizationServer({
    unknown_clients: 'deny',
    org_policies: [{ org: 'acme', unknown_clients: 'ask' }],
    clients: [{ client_id: 'listed', name: 'Listed', redirect_uris: [callback] }],
  })
})
afterAll(() => server.close())

const { last, connections } = signInSteps(() => server)
const store = () => ({ db: server.db, ring: server.settings.storage_keys })
const decide = (client_id: string, status: ClientDecision, org_id = 'acme') =>
  decideOrgClient(store(), { org_id, client_id }, { status, decided_by: 'operator' })
const requests = async (client_id: string) =>
  (await listOrgClients(server.db, { org_id: 'acme' })).filter(one => one.client_id === client_id)

describe('R09 an org that wants to be asked', () => {
  it('tells the person, notes the request once, and the client by access_denied', async () => {
    const client_id = await newClient(server.url, { client_name: 'New <b>thing</b>' })
    const before = await connections()
    const asked = await ask({ url: server.url, client_id })
    expect(asked.page.status).toBe(403)
    expect(asked.page.says).toContain('An administrator has to approve this application')
    expect(asked.page.html).not.toContain('<b>thing')
    expect(await last('consent')).toMatchObject({
      outcome: 'refused',
      error_code: 'client_waiting',
      org_id: 'acme',
      email: 'alice@acme.example',
      client_id,
    })
    await asked.browser.open(asked.page.url)
    expect(await requests(client_id)).toMatchObject([
      { status: 'waiting', client_name: 'New <b>thing</b>', asked_by: [expect.any(String)] },
    ])
    const back = await asked.browser.submit(asked.page, formOf(asked.page))
    expect(back.intercepted).toBe(true)
    expect(back.url.searchParams.get('error')).toBe('access_denied')
    expect(back.url.searchParams.get('error_description')).toContain('administrator')
    expect(back.url.searchParams.get('iss')).toBe(server.url)
    expect(await connections()).toBe(before)
  })

  it('takes no approval that the page did not offer', async () => {
    const client_id = await newClient(server.url)
    const { browser, page } = await ask({ url: server.url, client_id })
    const form = formOf(page)
    const buttons = form.buttons.map(button => ({ ...button, value: 'approve' }))
    const forged = { ...form, buttons }
    const answer = await browser.submit(page, forged)
    expect([answer.status, answer.intercepted]).toEqual([403, false])
  })

  it('lets people connect it once approved, on the page that is open already', async () => {
    const client_id = await newClient(server.url)
    const { browser, page } = await ask({ url: server.url, client_id })
    await decide(client_id, 'approved')
    const consent = await browser.open(page.url)
    expect((await allow({ browser, page: consent })).url.searchParams.get('code')).toBeTruthy()
    expect(await requests(client_id)).toMatchObject([
      { status: 'approved', decided_by: 'operator' },
    ])
  })

  it.each(['refused', 'blocked'] as const)('turns away one that is %s', async status => {
    const client_id = await newClient(server.url)
    await decide(client_id, status)
    const { browser, page } = await ask({ url: server.url, client_id })
    expect(page.says).toContain('Your organization does not allow this application')
    const back = await browser.submit(page, formOf(page))
    expect(back.url.searchParams.get('error_description')).toContain('does not allow')
  })

  it('looks again when the page is answered, and forgets what was remembered', async () => {
    const client_id = await newClient(server.url)
    await decide(client_id, 'approved')
    await allow(await ask({ url: server.url, client_id }), remember)
    const { browser, page } = await ask({
      url: server.url,
      client_id,
      parameters: { prompt: 'consent' },
    })
    await decide(client_id, 'refused')
    const answer = await browser.submit(page, formOf(page), {
      press: { name: 'decision', value: 'approve' },
    })
    expect([answer.status, answer.intercepted]).toEqual([403, false])
    const approvals = await server.db
      .selectFrom('approvals')
      .selectAll()
      .where('client_id', '=', client_id)
      .execute()
    expect(approvals).toEqual([])
  })

  it('makes no connection of a client that is decided about at the same moment', async () => {
    const client_id = await newClient(server.url)
    await decide(client_id, 'approved')
    const { browser, page } = await ask({ url: server.url, client_id })
    const before = await connections()
    let answer: Promise<Page> | undefined
    await server.db.transaction().execute(async db => {
      const client = { org_id: 'acme', client_id }
      await lockOrgClient(db, client, 'exclusive')
      answer = browser.submit(page, formOf(page), {
        press: { name: 'decision', value: 'approve' },
      })
      const waiting = async () => {
        const { rows } = await sql`
          select from pg_locks join pg_database on pg_database.oid = database
          where datname = current_database() and locktype = 'advisory' and not granted`.execute(
          server.db,
        )
        return rows.length
      }
      await expectSoon(waiting, 1)
      await decideClient(db, client, { status: 'refused', decided_by: 'operator' })
    })
    const told = await answer
    expect([told?.status, told?.intercepted]).toEqual([403, false])
    expect(told?.says).toContain('does not allow')
    expect(await connections()).toBe(before)
  })

  it('knows the clients of the configuration', async () => {
    const { page } = await ask({ url: server.url, client_id: 'listed' })
    expect(formOf(page).buttons).toContainEqual(expect.objectContaining({ value: 'approve' }))
  })

  it('notes no more than twenty requests of one person', async () => {
    await server.db.deleteFrom('client_requests').execute()
    const { page } = await ask({ url: server.url, client_id: await newClient(server.url) })
    expect(page.html).toContain('Your request was noted')
    const [mine] = await server.db.selectFrom('client_requests').selectAll().execute()
    if (!mine) throw new Error('nothing was noted')
    const many = Array.from({ length: 19 }, (_, nth) => ({ ...mine, client_id: `c${nth}` }))
    await server.db.insertInto('client_requests').values(many).execute()
    const one_more = await ask({ url: server.url, client_id: await newClient(server.url) })
    expect(one_more.page.html).toContain('this request was not noted')
    expect(await server.db.selectFrom('client_requests').selectAll().execute()).toHaveLength(20)
  })
})

describe('R09 other orgs', () => {
  it('by the setting for all: deny', async () => {
    const client_id = await newClient(server.url)
    const { page } = await ask({ url: server.url, client_id, user: 'carol@globex.example' })
    expect(page.says).toContain('does not allow this application')
    expect(await last('consent')).toMatchObject({ error_code: 'client_denied', org_id: 'globex' })
  })

  it('of several, the one that was chosen decides', async () => {
    const client_id = await newClient(server.url)
    await decide(client_id, 'approved', 'acme')
    const { browser, page } = await ask({
      url: server.url,
      client_id,
      user: 'erin@acme.example',
    })
    const press = { name: 'decision', value: 'approve' }
    const denied = await browser.submit(page, formOf(page), { press, fields: { org: 'globex' } })
    expect([denied.status, denied.intercepted]).toEqual([403, false])
    const done = await browser.submit(page, formOf(page), { press, fields: { org: 'acme' } })
    expect(done.url.searchParams.get('code')).toBeTruthy()
  })
})

describe('R09 a blocked client', () => {
  it('loses its connections in this org, on record, and cannot refresh', async () => {
    const open = await openAuthorizationServer()
    try {
      const tokens = await obtainTokens(open.url)
      const { client_id } = tokens.client
      const client = { org_id: 'acme', client_id }
      const at = { db: open.db, ring: open.settings.storage_keys }
      const ended = await decideOrgClient(at, client, { status: 'blocked', decided_by: 'operator' })
      expect(ended).toBe(1)
      expect((await refresh(open.url, client_id, tokens.refresh_token)).body.error).toBe(
        'invalid_grant',
      )
      const events = await open.db
        .selectFrom('audit_events')
        .selectAll()
        .where('client_id', '=', client_id)
        .where('type', 'in', ['consent', 'revocation'])
        .orderBy('id', 'desc')
        .limit(2)
        .execute()
      expect(events).toMatchObject([
        { type: 'revocation', reason: 'client_blocked', org_id: 'acme' },
        { type: 'consent', outcome: 'refused', error_code: 'client_blocked', reason: 'operator' },
      ])
    } finally {
      await open.close()
    }
  })

  it('cannot refresh a connection that was overlooked', async () => {
    const open = await openAuthorizationServer()
    try {
      const tokens = await obtainTokens(open.url)
      const { client_id } = tokens.client
      await open.db
        .insertInto('client_decisions')
        .values({ org_id: 'acme', client_id, status: 'blocked', decided_by: 'operator' })
        .execute()
      const { body } = await refresh(open.url, client_id, tokens.refresh_token)
      expect(body.error).toBe('invalid_grant')
      const [row] = await open.db.selectFrom('connections').selectAll().execute()
      expect(row).toMatchObject({ status: 'ended', ended_reason: 'client_blocked' })
    } finally {
      await open.close()
    }
  })
})
