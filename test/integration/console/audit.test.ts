import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Browser } from '../../../gateway/local/demo/browser.ts'
import { recordAuditEvents } from '../../../storage/audit.ts'
import type { AuditEvent } from '../../../storage/audit-event.ts'
import { type ConsoleServer, openConsole, visit } from '../../support/console.ts'

const call = (org_id: string, who: string, request_id: string): AuditEvent => ({
  ...{ type: 'tool_call', outcome: 'ok', tool: 'whoami', client_id: `client-of-${org_id}` },
  ...{ org_id, user_id: `usr_${who}`, email: `${who}@${org_id}.example`, request_id },
})

let server: ConsoleServer
const people: Record<'alice' | 'bob' | 'carol' | 'erin', Browser> = {} as never

beforeAll(async () => {
  server = await openConsole()
  for (const [name, email] of [
    ...[['alice', 'alice@acme.example'] as const, ['bob', 'bob@acme.example'] as const],
    ...[['carol', 'carol@globex.example'] as const, ['erin', 'erin@acme.example'] as const],
  ]) {
    people[name] = (await visit(server, email)).browser
  }
  const known = await server.db
    .selectFrom('audit_events')
    .select(['email', 'user_id'])
    .where('type', '=', 'sign_in')
    .execute()
  const id = (email: string) => known.find(each => each.email === email)?.user_id ?? ''
  const [bob, erin] = [id('bob@acme.example'), id('erin@acme.example')]
  await recordAuditEvents(server.db, [
    ...Array.from({ length: 60 }, (_, n) => call('acme', 'zoe', `acme-${n}`)),
    { ...call('acme', 'bob', 'bob-in-acme'), user_id: bob, email: 'bob@acme.example' },
    { ...call('globex', 'bob', 'bob-in-globex'), user_id: bob, email: 'bob@acme.example' },
    { ...call('globex', 'erin', 'erin-in-globex'), user_id: erin },
    { ...call('globex', 'gus', 'globex-1'), tool: 'secret_tool_of_globex' },
    { ...call('acme', 'eve', 'formula'), tool: '=cmd|calc', outcome: 'refused' },
  ])
})
afterAll(() => server.close())

/** Asks as somebody who clicks on a link of the console; redirects are not followed. */
const ask = (
  who: keyof typeof people | undefined,
  path: string,
  { method = 'GET', site = 'same-origin' } = {},
) => {
  const url = new URL(`/console${path}`, server.url)
  const cookie = who && people[who].cookies.header(url, { same_site: true, safe: true })
  const headers = { ...(cookie ? { cookie } : {}), 'sec-fetch-site': site }
  return fetch(url, { method, headers, redirect: 'manual' })
}
const text = async (who: keyof typeof people, path: string) => (await ask(who, path)).text()
const lines = (export_text: string) => export_text.trimEnd().split('\n')
/** The request ids of an export. */
const exported = async (who: keyof typeof people, query = '') => {
  const answer = await ask(who, `/audit/export?format=jsonl${query}`)
  expect(answer.status).toBe(200)
  return lines(await answer.text()).map(
    line => (JSON.parse(line) as Record<string, unknown>)['request_id'],
  )
}

describe('the audit trail in the console', () => {
  it.each(['/audit', '/audit/export?format=csv'])(
    'C02 whoever is signed out is sent to sign in: %s',
    async path => {
      const answer = await ask(undefined, path)
      expect([answer.status, answer.headers.get('location')]).toEqual([
        302,
        expect.stringContaining('/authorize?'),
      ])
    },
  )

  it('C02 M05 an admin sees the events of the organization, fifty to a page', async () => {
    const page = await text('alice', '/audit')
    expect(page.match(/<time datetime/g)).toHaveLength(50)
    expect(page).toContain('62 tool calls')
    expect(page).toContain('Everybody’s in acme')
    expect(page).not.toContain('globex')
    const older = /href="([^"]*after=[^"]*)"/.exec(page)?.[1]?.replaceAll('&amp;', '&') ?? ''
    const second = await text('alice', older.replace('/console', ''))
    expect(second).toContain('Older events')
    const shown = [page, second].join('').match(/<time datetime/g)?.length
    expect(shown).toBe(new Set(await exported('alice')).size)
  })

  it('C02 M05 everybody else sees their own, in their own organizations', async () => {
    for (const who of ['bob', 'carol', 'erin'] as const) {
      const page = await text(who, '/audit')
      expect(page).not.toContain('zoe@')
      expect(page).not.toContain('name="org"')
    }
    const own = (ids: readonly unknown[]) =>
      ids.filter(id => /^(bob|erin|acme|globex)-/.test(String(id)))
    expect(own(await exported('bob'))).toEqual(['bob-in-acme'])
    expect(own(await exported('erin'))).toEqual(['erin-in-globex'])
    expect(own(await exported('carol'))).toEqual([])
    expect(own(await exported('alice', '&org='))).toEqual([])
    expect(own(await exported('alice', '&org=acme'))).toHaveLength(61)
  })

  it.each([
    ['alice', 'globex'],
    ['alice', 'nowhere'],
    ['bob', 'acme'],
    ['carol', 'globex'],
    ['erin', 'globex'],
    ['alice', 'usr_zoe'],
  ] as const)('C01 C02 for %s there is no organization %s to answer for', async (who, org) => {
    for (const path of ['/audit?org=', '/audit/export?format=csv&org=']) {
      const answer = await ask(who, `${path}${org}`)
      expect(answer.status).toBe(404)
      expect(await answer.text()).toContain('There is nothing here')
    }
  })

  it('C02 what is searched for narrows what is found', async () => {
    expect(await exported('alice', '&tool=%3Dcmd%7Ccalc')).toEqual(['formula'])
    expect(await exported('alice', '&outcome=refused&type=tool_call')).toEqual(['formula'])
    expect(await exported('alice', '&user=bob@acme.example&tool=whoami')).toEqual(['bob-in-acme'])
    expect(await exported('alice', '&client=client-of-acme&user=usr_zoe')).toHaveLength(60)
    expect(await text('alice', '/audit?tool=secret_tool_of_globex')).toContain('Nothing matches')
    expect(await text('alice', '/audit?client=client-of-globex')).toContain('Nothing matches')
  })

  it.each([
    ['/audit?from=yesterday', 'Write a time (UTC) such as'],
    ['/audit?from=1970-01-01', 'Choose a year from 2000'],
    ['/audit?from=2001-01-01', 'at most 400 are searched'],
    ['/audit?type=x%3Cscript%3E', 'Choose one of the list'],
    ['/audit?tool=a%00b', 'cannot be searched for'],
    ['/audit?user=a&user=b', 'Give it once'],
    ['/audit?org_id=globex', 'cannot search for'],
    ['/audit/export?format=xml', 'Choose one of the list'],
    ['/audit/export?format=csv&after=x', 'This link is not complete'],
  ])('C02 %s is answered by what is wrong with it', async (path, words) => {
    const answer = await ask('alice', path)
    const page = await answer.text()
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      400,
      'text/html; charset=utf-8',
    ])
    expect(page).toContain(words)
    expect(page).toContain('Nothing was searched')
    expect(page).not.toMatch(/<script|globex|zoe@|ZodError|at Object/)
  })

  it('C02 gives a CSV that no spreadsheet runs, and that nobody keeps', async () => {
    const answer = await ask('alice', '/audit/export?format=csv&user=usr_eve')
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': expect.stringMatching(
        /^attachment; filename=audit-acme-[\d-]+-to-[\d-]+[.]csv$/,
      ),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
    const [heading, ...rows] = lines(await answer.text())
    expect(heading).toContain('id,at,type,outcome')
    expect(rows).toEqual([expect.stringContaining(",'=cmd|calc,")])
  })

  it('C02 M05 an export is on record itself, for whoever answers for what was taken', async () => {
    const query = '/audit/export?format=csv&tool=whoami&from=2026-01-01&until=2026-01-02'
    await text('alice', query)
    await text('bob', query)
    const events = await server.db
      .selectFrom('audit_events')
      .select(['outcome', 'org_id', 'email', 'reason', 'request_id'])
      .where('type', '=', 'export')
      .where('reason', 'like', '%by tool')
      .where('at', '>', new Date(Date.now() - 60_000))
      .orderBy('id', 'desc')
      .limit(4)
      .execute()
    const reason = 'csv, 2026-01-01T00:00:00.000Z to 2026-01-02T00:00:00.000Z, by tool'
    const request_id = expect.any(String)
    const taken = (email: string, org_id: string | null) =>
      ['ok', 'started'].map(outcome => ({ outcome, org_id, email, reason, request_id }))
    expect(events).toEqual([
      ...taken('bob@acme.example', null),
      ...taken('alice@acme.example', 'acme'),
    ])
  })

  it('C02 no other site begins an export, and asking for its head begins none', async () => {
    for (const options of [{ site: 'cross-site' }, { method: 'HEAD' }]) {
      const answer = await ask('alice', '/audit/export?format=csv&tool=whoami', options)
      expect([answer.status, answer.headers.get('location')]).toEqual([
        303,
        '/console/audit?tool=whoami',
      ])
    }
  })

  it('C02 escapes what a client chose', async () => {
    await recordAuditEvents(server.db, [
      {
        ...call('acme', 'eve', 'x'),
        tool: '<img src=x>"\'&\u202E',
        reason: '<script>alert(1)</script>',
      },
    ])
    const page = await text('alice', '/audit')
    expect(page).not.toMatch(/<img src=x|<script/)
    expect(page).toContain('&lt;img src=x&gt;&quot;&#39;&amp;\\u{202e}')
  })
})
