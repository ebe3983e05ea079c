import { createServer, get, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import express from 'express'
import { sql } from 'kysely'
import { pino } from 'pino'
import { createAuditRouter } from '../../../console/audit/router.ts'
import { createRender } from '../../../console/pages/render.ts'
import { assignRequestId } from '../../../mcp-server/request-id.ts'
import { type Database, openDatabase } from '../../../storage/database.ts'
import { expectSoon } from '../../support/soon.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

let test: TestStore
let db: Database
let server: Server
const log: string[] = []

beforeAll(async () => {
  test = await createTestStore()
  db = openDatabase(test.url, { statement_timeout: 400 })
  await sql`
    insert into audit_events (type, outcome, org_id, tool, reason, at)
    select 'tool_call', 'ok', 'acme', 'whoami', repeat('x', 900), now() - n * interval '1 s'
    from generate_series(1, 40000) n`.execute(test.db)
  const app = express().use(assignRequestId())
  app.use((request, response, next) => {
    const user_id = request.get('x-user') ?? 'usr_1'
    const admin_org_ids = ['acme']
    response.locals['viewer'] = { user_id, email: 'x', org_ids: ['acme'], admin_org_ids }
    next()
  })
  const lines = pino({}, { write: line => void log.push(line) })
  const limits = { search: 300, count: 300, patience: 60_000 }
  const parts = { store: { db }, render: createRender(), log: lines, now: Date.now, limits }
  app.use('/console/audit', createAuditRouter(parts))
  server = createServer(app).listen(0, '127.0.0.1')
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise(closed => server.close(closed))
  await db.destroy()
  await test.close()
})

const address = (path: string) =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}/console/audit${path}`

/** An export whose head was read, and nothing else. */
const begin = (user: string) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    get(address('/export?format=jsonl'), { headers: { 'x-user': user } }, response => {
      response.on('error', () => undefined)
      response.pause()
      resolve(response)
    }).on('error', reject)
  })

describe('the audit trail of the console', () => {
  it.each([
    ['', 'Searching took too long'],
    ['/export?format=csv', 'The export took too long to begin'],
  ])('C02 %s says that the database took too long, and what to do', async (path, words) => {
    await test.db.transaction().execute(async transaction => {
      await sql`lock table audit_events in access exclusive mode`.execute(transaction)
      const answer = await fetch(address(path))
      expect([answer.status, answer.headers.get('content-disposition')]).toEqual([503, null])
      const page = await answer.text()
      expect(page).toContain(words)
      expect(page).not.toMatch(/statement timeout|57014|audit_events/)
    })
    const later = await fetch(address(path))
    expect([later.status, (await later.text()).length > 1_000]).toEqual([200, true])
    expect(log.join('')).toContain('request_id')
  })

  it('C02 lets one person export twice at a time, and others meanwhile; a page is always to be had', async () => {
    const running = [await begin('usr_1'), await begin('usr_1')]
    expect((await begin('usr_1')).statusCode).toBe(429)
    running.push(await begin('usr_2'))
    expect(running.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200])
    expect((await fetch(address(''))).status).toBe(200)
    for (const each of running) each.destroy()
    for (let status = 429; status === 429;) {
      const next = await begin('usr_1')
      status = next.statusCode ?? 0
      expect([200, 429]).toContain(status)
      next.destroy()
    }
  })

  it('C02 an export that breaks off is on record as one', async () => {
    const ends = () =>
      test.db
        .selectFrom('audit_events')
        .select(['outcome', 'error_code'])
        .where('type', '=', 'export')
        .where('user_id', '=', 'usr_3')
        .orderBy('id')
        .execute()
    const export_of_three = await begin('usr_3')
    expect(await ends()).toEqual([{ outcome: 'started', error_code: null }])
    export_of_three.destroy()
    await expectSoon(async () => (await ends())[1]?.error_code, 'broken_off')
  })
})
