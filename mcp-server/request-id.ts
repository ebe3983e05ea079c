import { randomUUID } from 'node:crypto'
import type { Request, RequestHandler } from 'express'

const requestIds = new WeakMap<Request, string>()

/**
 * Gives every request the id the gateway gave it, or a new one when it is missing or is not an id:
 * it goes into log lines and audit events, where nothing else has a place.
 */
export function assignRequestId(): RequestHandler {
  return (request, response, next) => {
    const given = request.get('x-request-id')
    const id = given !== undefined && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID()
    requestIds.set(request, id)
    response.set('x-request-id', id)
    next()
  }
}

/** The id that `assignRequestId` gave. Throws when it was not in front of this handler. */
export function requestIdOf(request: Request): string {
  const id = requestIds.get(request)
  if (id === undefined) throw new Error('assignRequestId is not in front of this handler')
  return id
}
