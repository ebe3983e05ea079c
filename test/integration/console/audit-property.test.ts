import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import express from 'express'
import fc from 'fast-check'
import { pino } from 'pino'
import request from 'supertest'
import { createAuditRouter } from '../../../console/audit/router.ts'
import { createRender } from '../../../console/pages/render.ts'
import type { Viewer } from '../../../console/session/viewer.ts'
import { assignRequestId } from '../../../mcp-server/request-id.ts'
import { recordAuditEvents } from '../../../storage/audit.ts'
import { audit_outcomes, audit_types, type AuditEvent } from '../../../storage/audit-event.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

const orgs = ['aaaaorg', 'bbbborg', 'ccccorg'] as const
const users = ['usr_1', 'usr_2', 'usr_3'] as const

/** Of each person in each org, with a text that nobody can ask for. */
const events = orgs.flatMap(org_id =>
  users.flatMap(user_id =>
    audit_types.flatMap((type, n): AuditEvent[] => {
      const subject = {
        ...{
          org_id,
          user_id,
          email: `${user_id}@${org_id}.example`,
          client_id: `client-${org_id}`,
        },
        ...{ connection_id: `con_${org_id}`, request_id: `${org_id}-${user_id}-${n}` },
        ...{ reason: `secret of ${org_id}, ${user_id}.`, tool: `tool_of_${org_id}` },
      }
      if (type === 'rate_limit')
        return [{ ...subject, type, outcome: 'refused', limited_by: 'org' }]
      return audit_outcomes.map(outcome => ({ ...subject, type, outcome }) as AuditEvent)
    }),
  ),
)

let test: TestStore
let viewer: Viewer
const app = express().use(assignRequestId())

beforeAll(async () => {
  test = await createTestStore()
  await recordAuditEvents(test.db, events)
  app.use((_request, response, next) => {
    response.locals['viewer'] = viewer
    next()
  })
  const log = pino({ level: 'silent' })
  const parts = { store: test.store, render: createRender(), log, now: Date.now }
  app.use('/console/audit', createAuditRouter(parts))
})
afterAll(() => test.close())

const one_of = <T extends string>(...values: readonly T[]) => fc.constantFrom(...values)
const asked_for: readonly (readonly [name: string, values: readonly string[]])[] = [
  ['org', [...orgs, '', 'nowhere', 'aaaaorg,bbbborg', '%']],
  ['org', orgs],
  ['user', [...users, 'usr_1@aaaaorg.example', 'usr_1@bbbborg.example', "' or 1=1 --"]],
  ['tool', orgs.map(org => `tool_of_${org}`)],
  ['client', orgs.map(org => `client-${org}`)],
  ['connection', orgs.map(org => `con_${org}`)],
  ['type', [...audit_types, 'nonsense']],
  ['outcome', audit_outcomes],
  ['from', ['2026-01-01', '2001-01-01', 'nonsense']],
  ['after', ['2199-01-01T00:00:00.000000Z~1', 'nonsense']],
  ['format', ['csv', 'jsonl']],
  ['org_id', orgs],
]

/** Up to three of them at once: with more of them hardly anything would be found. */
const parameters = fc
  .subarray([...asked_for], { maxLength: 3 })
  .chain(chosen =>
    fc.tuple(
      ...chosen.map(([name, values]) =>
        fc.constantFrom<string>(...values).map(value => [name, value] as const),
      ),
    ),
  )
  .map(pairs => new Map<string, string>(pairs))
const someone = fc.record({
  user_id: one_of(...users),
  email: fc.constant('viewer@viewer.example'),
  org_ids: fc.subarray([...orgs], { minLength: 1 }),
  admin: fc.nat(),
})

describe('whoever asks the audit trail for whatever', () => {
  it('C01 C02 M05 is never told of an organization that is not theirs, nor of others in their own', async () => {
    const shown = { admin: 0, own: 0 }
    await fc.assert(
      fc.asyncProperty(someone, parameters, one_of('', '/export'), async (who, query, path) => {
        const { admin, ...person } = who
        const admin_org_ids: string[] = person.org_ids.filter((_, n) => (admin >> n) % 2 === 1)
        viewer = { ...person, admin_org_ids }
        const answer = await request(app)
          .get(`/console/audit${path}`)
          .query(Object.fromEntries(query))
          .responseType('blob')
        expect([200, 400, 404]).toContain(answer.status)
        const text = String(answer.body)
        for (const [, org = '', user] of text.matchAll(/secret of (\w+), (usr_\d)/g)) {
          expect(viewer.org_ids).toContain(org)
          if (admin_org_ids.includes(org)) shown.admin += 1
          else {
            expect(user).toBe(viewer.user_id)
            shown.own += 1
          }
        }
        const asked = [...query.values()].join(' ')
        for (const org of orgs)
          // What was asked for stands in the form again.
          if (!viewer.org_ids.includes(org) && !asked.includes(org)) expect(text).not.toContain(org)
      }),
      { numRuns: 300 },
    )
    expect(shown.admin).toBeGreaterThan(300)
    expect(shown.own).toBeGreaterThan(60)
  })
})
