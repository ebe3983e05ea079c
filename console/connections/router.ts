import { Router } from 'express'
import type { Logger } from 'pino'
import { requestIdOf } from '../../mcp-server/request-id.ts'
import { listApprovals } from '../../storage/approvals.ts'
import type { ConnectionSelector } from '../../storage/end-connections.ts'
import { forgetOwnApprovals } from '../../storage/forget-approvals.ts'
import { revokeConnections } from '../../storage/revoke-connections.ts'
import type { Store } from '../../storage/store.ts'
import type { Environment } from '../environment.ts'
import { doneOf, redirectDone } from '../pages/flash.ts'
import { messages, showMessage } from '../pages/messages.ts'
import type { Render } from '../pages/render.ts'
import { type Viewer, viewerOf } from '../session/viewer.ts'
import { describeClients, describeConnections } from './describe.ts'

export interface PageParts {
  readonly store: Store
  readonly render: Render
  readonly settings: Pick<Environment, 'gateway_url' | 'kong_config'>
  readonly log: Logger
}

/** What somebody has connected and approved themselves: they see it and end it. */
export function createConnectionsRouter({ store, render, settings }: PageParts): Router {
  const router = Router({ caseSensitive: true })

  router.get('/', async (request, response) => {
    const viewer = viewerOf(response)
    const { user_id } = viewer
    render(response, 'connections', {
      title: 'Your AI connections',
      here: 'connections',
      done: doneOf(request, response),
      connections: await describeConnections(store, settings.gateway_url, { user_id }),
      approvals: await approvalsOf(store, viewer),
    })
  })

  router.post('/connections/:id/revoke', async (request, response) => {
    const ended = await revokeOwn(
      store,
      viewerOf(response),
      { id: request.params.id },
      requestIdOf(request),
    )
    if (ended === 0) return showMessage(render, response, 404, messages.not_found)
    redirectDone(response, '/console', 'revoked')
  })

  router.get('/revoke-all', (_request, response) =>
    render(response, 'confirm', {
      title: 'End all your AI connections?',
      here: 'connections',
      action: '/console/revoke-all',
      explanation:
        'Every AI app that you have connected, on any computer and for any organization, is refused from its next call on. You can connect it again.',
      button: 'End all of them',
      back: '/console',
    }),
  )

  router.post('/revoke-all', async (request, response) => {
    const { user_id } = viewerOf(response)
    const ended = await revokeOwn(store, viewerOf(response), { user_id }, requestIdOf(request))
    redirectDone(response, '/console', ended === 0 ? 'nothing' : 'revoked_all')
  })

  router.post('/approvals/forget', async (request, response) => {
    const { user_id, email } = viewerOf(response)
    const { org_id, client_id } = request.body as Readonly<Record<string, unknown>>
    if (typeof org_id !== 'string' || typeof client_id !== 'string')
      return showMessage(render, response, 400, messages.form_not_ours)
    const who = { email, request_id: requestIdOf(request) }
    const gone = await forgetOwnApprovals(store.db, { user_id, org_id, client_id }, who)
    if (gone === 0) return showMessage(render, response, 404, messages.not_found)
    redirectDone(response, '/console', 'forgotten')
  })

  return router
}

/** Gives how many have ended; naming another's ends none. */
async function revokeOwn(
  store: Store,
  { user_id }: Viewer,
  selector: ConnectionSelector,
  request_id: string,
): Promise<number> {
  let ended = 0
  const by = { kind: 'user', user_id } as const
  for await (const batch of revokeConnections(store, { selector, by, request_id }))
    ended += batch.length
  return ended
}

/** What a person has approved, a line for each app and org, the newest first. */
async function approvalsOf(store: Store, { user_id }: Viewer) {
  const approvals = await listApprovals(store.db, { user_id })
  const clients = await describeClients(
    store,
    approvals.map(({ client_id }) => client_id),
  )
  const grouped = Map.groupBy(approvals, ({ org_id, client_id }) =>
    JSON.stringify([org_id, client_id]),
  )
  return [...grouped.values()].flatMap(([first, ...others]) => {
    if (!first) return []
    const all = [first, ...others]
    return {
      org_id: first.org_id,
      client: clients(first.client_id),
      redirects: all.map(({ redirect }) => redirect),
      skips_consent: all.some(({ skips_consent }) => skips_consent),
      created_at: first.created_at,
      last_used_at: new Date(Math.max(...all.map(({ last_used_at }) => last_used_at.getTime()))),
    }
  })
}
