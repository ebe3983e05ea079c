import { type RequestHandler, Router } from 'express'
import type { Logger } from 'pino'
import { requestIdOf } from '../../mcp-server/request-id.ts'
import { csv, jsonl } from '../../storage/audit-format.ts'
import type { Database } from '../../storage/database.ts'
import { exportAuditPages } from '../../storage/export-audit-events.ts'
import { isOutOfTime } from '../../storage/statement-limit.ts'
import { messages, showMessage } from '../pages/messages.ts'
import type { Render } from '../pages/render.ts'
import { viewerOf } from '../session/viewer.ts'
import { createGate } from './gate.ts'
import { refusals } from './refusals.ts'
import { auditPage } from './page.ts'
import { recordExport } from './record-export.ts'
import { whoseEvents } from './reader.ts'
import { readTrail } from './read-trail.ts'
import { addressOf, parseSearch } from './search-form.ts'
import { fileName, sendExport } from './send-export.ts'
import { createTurns, type InTurn, stepsInTurn } from './turns.ts'

/** Milliseconds. */
export interface AuditLimits {
  /** For the database to find a page of events. */
  readonly search: number
  /** For the database to count them. */
  readonly count: number
  /** That whoever exports may read nothing. */
  readonly patience: number
}

export interface AuditParts {
  readonly store: { readonly db: Database }
  readonly render: Render
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly limits?: AuditLimits
}

const usual_limits: AuditLimits = { search: 8_000, count: 5_000, patience: 120_000 }
/** Those of one person keep two connections to the database busy, of the six that all have in turn. */
const searches = { for_one: 2, for_all: 20 }
/** Each holds a page of events in memory, and the database only while it reads one. */
const exports = { for_one: 2, for_all: 40 }
/** Questions to the trail at once: fewer than the connections that the console's other pages need too. */
const most_questions = 6

/** The audit trail: searched, counted, exported. `requireViewer` stands in front. */
export function createAuditRouter(parts: AuditParts): Router {
  const router = Router({ caseSensitive: true })
  const inTurn = createTurns(most_questions)
  router.get('/', showTrail(parts, inTurn))
  router.get('/export', exportTrail(parts, inTurn))
  return router
}

function showTrail(
  { store, render, log, now, limits = usual_limits }: AuditParts,
  inTurn: InTurn,
): RequestHandler {
  const gate = createGate(searches)
  return async (request, response) => {
    const viewer = viewerOf(response)
    const parsed = parseSearch(request.query, new Date(now()))
    if ('problems' in parsed) {
      response.status(400)
      return render(response, 'audit', auditPage(viewer, parsed))
    }
    const { search } = parsed
    const whose = whoseEvents(viewer, search.org)
    if (!whose) return showMessage(render, response, 404, messages.not_found)
    const leave = gate.enter(viewer.user_id)
    if (!leave) return showMessage(render, response, 429, refusals.too_many_searches)
    try {
      const found = await readTrail(
        { db: store.db, inTurn, limits },
        whose.reader,
        search,
        new Date(now()),
      )
      if (found.took_too_long.length > 0)
        log.warn(
          { request_id: requestIdOf(request), what: found.took_too_long },
          'a question to the audit trail took too long',
        )
      if (found.events === undefined) response.status(503)
      render(response, 'audit', auditPage(viewer, { search, whose, found }))
    } finally {
      leave()
    }
  }
}

function exportTrail(
  { store, render, log, now, limits = usual_limits }: AuditParts,
  inTurn: InTurn,
): RequestHandler {
  const gate = createGate(exports)
  return async (request, response) => {
    const viewer = viewerOf(response)
    const begun = new Date(now())
    const parsed = parseSearch(request.query, begun)
    if ('problems' in parsed) {
      response.status(400)
      return render(response, 'audit', auditPage(viewer, parsed))
    }
    const { search } = parsed
    const whose = whoseEvents(viewer, search.org)
    if (!whose) return showMessage(render, response, 404, messages.not_found)
    // Another site may lead here, also by way of the sign-in, but a click on our page begins the work.
    if (request.method !== 'GET' || request.get('sec-fetch-site') === 'cross-site')
      return response.redirect(
        303,
        addressOf('/console/audit', search.asked, { format: undefined }),
      )
    const until = search.filter.until ?? begun
    const filter = { ...search.filter, until, seen_by: whose.reader }
    const request_id = requestIdOf(request)
    const leave = gate.enter(viewer.user_id)
    if (!leave) return showMessage(render, response, 429, refusals.too_many_exports)
    try {
      await recordExport(store.db, { viewer, whose, search, until, request_id }, () =>
        sendExport(response, stepsInTurn(inTurn, exportAuditPages(store.db, filter)), {
          format: search.format === 'csv' ? csv : jsonl,
          file_name: fileName(whose.org_id ?? 'mine', search.filter.since, until, search.format),
          patience: limits.patience,
          // Whoever has it all may begin the next one at once.
        }).finally(leave),
      )
    } catch (error) {
      if (!response.headersSent && !isOutOfTime(error)) throw error
      log.warn({ err: error, request_id }, 'an export of the audit trail ended before its end')
      if (!response.headersSent) showMessage(render, response, 503, refusals.took_too_long)
    } finally {
      leave()
    }
  }
}
