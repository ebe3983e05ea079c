import type { AddressInfo } from 'node:net'
import express from 'express'
import { pino } from 'pino'
import { createAuditRouter } from '../../../console/audit/router.ts'
import { createRender } from '../../../console/pages/render.ts'
import { assignRequestId } from '../../../mcp-server/request-id.ts'
import { openDatabase } from '../../../storage/database.ts'

/*
 * The audit pages of the console in a process of their own, for somebody who is let in as an admin of acme:
 * the sign-in is not what is measured. Says at which port by IPC.
 */

const db = openDatabase(process.env['DATABASE_URL'] ?? '', { max: 4 })
const app = express().use(assignRequestId())
app.use((_request, response, next) => {
  response.locals['viewer'] = {
    user_id: 'usr_load',
    email: 'load@acme.example',
    org_ids: ['acme'],
    admin_org_ids: ['acme'],
  }
  next()
})
const log = pino({}, process.stderr)
app.use(
  '/console/audit',
  createAuditRouter({ store: { db }, render: createRender(), log, now: Date.now }),
)
const server = app.listen(0, '127.0.0.1', () =>
  process.send?.({ port: (server.address() as AddressInfo).port }),
)
