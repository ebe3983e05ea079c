import type { Request, RequestHandler, Response } from 'express'
import type { Logger } from 'pino'
import { requestIdOf } from '../../mcp-server/request-id.ts'
import { findPerson, type SignedInPerson } from '../../storage/signed-in-people.ts'
import type { Store } from '../../storage/store.ts'
import type { Environment } from '../environment.ts'
import { messages, showMessage } from '../pages/messages.ts'
import type { Render } from '../pages/render.ts'
import { endSession, sessionOf } from './sign-in.ts'
import type { Viewer } from './viewer.ts'

export interface ViewerParts {
  readonly settings: Pick<Environment, 'gateway_url' | 'admin_roles'>
  readonly store: Store
  readonly render: Render
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** After so long the gateway is asked whether the person still has access; milliseconds. */
const confirmed_for = 60_000

/**
 * Lets nobody through who is not signed in, and tells the pages behind who it is
 * (`response.locals.viewer`, `response.locals.csrf`). Rights are never those of the session: they are read from
 * storage, where the gateway keeps what the identity provider said last.
 */
export function requireViewer(parts: ViewerParts): RequestHandler {
  const { settings, store, render, log, now } = parts
  return async (request, response, next) => {
    const session = sessionOf(request, settings)
    if (session === undefined) return signInAgain(render, request, response)
    if ('unreadable' in session) return showMessage(render, response, 503, messages.unavailable)
    const found = await findPerson(store, session.user_id)
    const person = found && (await confirmed(found))
    if (person === 'unconfirmed') return showMessage(render, response, 503, messages.unconfirmed)
    if (person === undefined) {
      endSession(request, settings)
      return signInAgain(render, request, response)
    }
    response.locals['viewer'] = viewerFrom(person, settings.admin_roles)
    response.locals['csrf'] = session.csrf
    next()

    async function confirmed(
      person: SignedInPerson,
    ): Promise<SignedInPerson | undefined | 'unconfirmed'> {
      const fresh = now() - person.idp_asked_at.getTime() < confirmed_for
      if (!person.may_be_asked || (fresh && person.idp_unavailable_since === undefined))
        return person
      try {
        await request.oidc.fetchUserInfo()
      } catch (error) {
        if (statusOf(error) === 401) return undefined
        const request_id = requestIdOf(request)
        log.error({ err: error, request_id }, 'the gateway could not confirm a person')
        return 'unconfirmed'
      }
      return findPerson(store, person.user_id)
    }
  }
}

function viewerFrom({ user_id, profile }: SignedInPerson, admin_roles: readonly string[]): Viewer {
  const { email, orgs, roles } = profile
  const is_admin = roles.some(role => admin_roles.includes(role))
  return { user_id, email, org_ids: orgs, admin_org_ids: is_admin ? orgs : [] }
}

/** A page is gone on with after the sign-in; what a form said is not. */
async function signInAgain(render: Render, request: Request, response: Response): Promise<void> {
  if (request.method !== 'GET')
    return showMessage(render, response, 401, messages.signed_out_meanwhile)
  await response.oidc.login({ returnTo: request.originalUrl.replace(/^\/+/, '/') })
}

/** openid-client tells of a refused token by the challenge that came with it. */
function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined
  const { status } = error as { status?: unknown }
  return typeof status === 'number' ? status : undefined
}
