import type { Router } from 'express'
import { requestIdOf } from '../../mcp-server/request-id.ts'
import { decideOrgClient } from '../../storage/decide-org-client.ts'
import { revokeConnections } from '../../storage/revoke-connections.ts'
import { describeConnections } from '../connections/describe.ts'
import type { PageParts } from '../connections/router.ts'
import { type Done, doneOf, redirectDone } from '../pages/flash.ts'
import { messages, showMessage } from '../pages/messages.ts'
import { viewerOf } from '../session/viewer.ts'
import { describeOrgClients } from './clients.ts'
import { orgPath } from './org-path.ts'

const decisions = { approve: 'approved', refuse: 'refused', block: 'blocked' } as const

/** What is done only after it was explained. */
const explained = {
  block: {
    title: 'Block this app?',
    button: 'Block it',
    explanation:
      'Nobody in the organization can connect it any more, and every connection that it has here ends: it is refused from its next call on.',
  },
  revoke: {
    title: 'End every connection of this app?',
    button: 'End all of them',
    explanation:
      'Whoever has connected it in the organization has to connect it again; nothing keeps them from doing so. It is refused from its next call on.',
  },
} as const

/** Which AI apps an org lets its people connect. Client ids may be addresses: they stand in the query. */
export function clientPages(router: Router, { store, render, settings }: PageParts): void {
  router.get('/orgs/:org/clients', async (request, response) => {
    const { org } = request.params
    render(response, 'clients', {
      title: 'AI apps',
      here: 'clients',
      org_id: org,
      done: doneOf(request, response),
      clients: await describeOrgClients(store, org),
    })
  })

  router.get('/orgs/:org/client', async (request, response) => {
    const { org } = request.params
    const shown = await findClient(org, request.query['id'])
    if (!shown) return showMessage(render, response, 404, messages.not_found)
    const { client_id } = shown.client
    const { ask } = request.query
    if (ask === 'block' || ask === 'revoke')
      return render(response, 'confirm', {
        ...explained[ask],
        here: 'clients',
        org_id: org,
        subject: shown.client,
        action: clientPath(org, client_id),
        field: { name: 'decision', value: ask },
        back: clientPath(org, client_id),
      })
    render(response, 'client', {
      title: shown.client.name,
      here: 'clients',
      org_id: org,
      done: doneOf(request, response),
      shown,
      path: clientPath(org, client_id),
      connections: await describeConnections(store, settings.gateway_url, {
        org_id: org,
        client_id,
      }),
    })
  })

  router.post('/orgs/:org/client', async (request, response) => {
    const { org } = request.params
    const shown = await findClient(org, request.query['id'])
    if (!shown) return showMessage(render, response, 404, messages.not_found)
    const { decision } = request.body as Readonly<Record<string, unknown>>
    const done = await decide(org, shown.client.client_id, decision, {
      user_id: viewerOf(response).user_id,
      request_id: requestIdOf(request),
    })
    if (done === undefined) return showMessage(render, response, 400, messages.form_not_ours)
    // An app of which nothing is left is no longer listed.
    const left = await findClient(org, shown.client.client_id)
    redirectDone(
      response,
      left ? clientPath(org, shown.client.client_id) : orgPath(org, 'clients'),
      done,
    )
  })

  async function findClient(org: string, client_id: unknown) {
    if (typeof client_id !== 'string') return undefined
    const clients = await describeOrgClients(store, org)
    return clients.find(({ client }) => client.client_id === client_id)
  }

  /** Undefined when this is no decision. */
  async function decide(
    org_id: string,
    client_id: string,
    decision: unknown,
    { user_id, request_id }: { readonly user_id: string; readonly request_id: string },
  ): Promise<Done | undefined> {
    if (decision === 'revoke') {
      const by = { kind: 'admin', user_id, org_id } as const
      let ended = 0
      const revocation = { selector: { client_id }, by, request_id }
      for await (const batch of revokeConnections(store, revocation)) ended += batch.length
      return ended === 0 ? 'nothing' : 'revoked_all'
    }
    if (decision !== 'approve' && decision !== 'refuse' && decision !== 'block') return undefined
    const status = decisions[decision]
    await decideOrgClient(store, { org_id, client_id }, { status, decided_by: user_id, request_id })
    return status
  }
}

function clientPath(org_id: string, client_id: string): string {
  return orgPath(org_id, `client?${new URLSearchParams({ id: client_id }).toString()}`)
}
