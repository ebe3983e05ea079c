import type { Router } from 'express'
import { requestIdOf } from '../../mcp-server/request-id.ts'
import { findUsers } from '../../storage/end-connections.ts'
import { listMembers } from '../../storage/org-connections.ts'
import { revokeConnections, revokeUser } from '../../storage/revoke-connections.ts'
import { describeConnections } from '../connections/describe.ts'
import type { PageParts } from '../connections/router.ts'
import { doneOf, redirectDone } from '../pages/flash.ts'
import { messages, showMessage } from '../pages/messages.ts'
import { viewerOf } from '../session/viewer.ts'
import { orgPath } from './org-path.ts'

const on_a_page = 100

/** Who has connected something, and the end of it. */
export function memberPages(router: Router, { store, render, settings }: PageParts): void {
  router.get('/orgs/:org/members', async (request, response) => {
    const { org } = request.params
    const { email: asked, after } = request.query
    const email = typeof asked === 'string' ? asked.trim().slice(0, 320) : ''
    if (email !== '') {
      const [user_id, ...others] = await findUsers(store, { org_id: org, email })
      if (user_id !== undefined && others.length === 0)
        return response.redirect(303, orgPath(org, `members/${user_id}`))
    }
    const from = typeof after === 'string' ? after : undefined
    const found = await listMembers(store, org, { after: from, limit: on_a_page + 1 })
    const members = found.slice(0, on_a_page)
    render(response, 'members', {
      title: 'Members with connections',
      here: 'members',
      org_id: org,
      done: doneOf(request, response),
      not_found: email,
      members: [...members].sort((one, other) => byText(one.email, other.email)),
      is_first: from === undefined,
      next: found.length > on_a_page ? members.at(-1)?.user_id : undefined,
    })
  })

  router.get('/orgs/:org/members/:user_id', async (request, response) => {
    const { org, user_id } = request.params
    const connections = await connectionsOf(org, user_id)
    const [first] = connections
    if (!first) return showMessage(render, response, 404, messages.not_found)
    render(response, 'member', {
      title: first.email ?? user_id,
      here: 'members',
      org_id: org,
      done: doneOf(request, response),
      user_id,
      connections,
    })
  })

  router.post('/orgs/:org/connections/:id/revoke', async (request, response) => {
    const { org, id } = request.params
    const by = { kind: 'admin', user_id: viewerOf(response).user_id, org_id: org } as const
    let user_id: string | undefined
    const revocation = { selector: { id }, by, request_id: requestIdOf(request) }
    for await (const [ended] of revokeConnections(store, revocation)) user_id = ended?.user_id
    if (user_id === undefined) return showMessage(render, response, 404, messages.not_found)
    const left = await connectionsOf(org, user_id)
    const page = left.length > 0 ? `members/${user_id}` : 'members'
    redirectDone(response, orgPath(org, page), 'revoked')
  })

  router.get('/orgs/:org/members/:user_id/revoke-all', async (request, response) => {
    const { org, user_id } = request.params
    const [first] = await connectionsOf(org, user_id)
    if (!first) return showMessage(render, response, 404, messages.not_found)
    render(response, 'confirm', {
      title: `End every connection of ${first.email ?? user_id}?`,
      here: 'members',
      org_id: org,
      action: orgPath(org, `members/${user_id}/revoke-all`),
      explanation: `Every AI app that this person has connected for ${org} is refused from its next call on, and they are signed out in every browser. As long as they can sign in at the company, they can connect again: to keep them out, disable them there too.`,
      button: 'End all of them',
      back: orgPath(org, `members/${user_id}`),
    })
  })

  router.post('/orgs/:org/members/:user_id/revoke-all', async (request, response) => {
    const { org, user_id } = request.params
    const by = { kind: 'admin', user_id: viewerOf(response).user_id, org_id: org } as const
    const known = await findUsers(store, { org_id: org, user_id })
    if (known.length === 0) return showMessage(render, response, 404, messages.not_found)
    await revokeUser(store, user_id, { by, request_id: requestIdOf(request) })
    // Whoever did this to themselves has no session any more, and is asked to sign in.
    redirectDone(response, orgPath(org, 'members'), 'signed_out_too')
  })

  function connectionsOf(org_id: string, user_id: string) {
    return describeConnections(store, settings.gateway_url, { org_id, user_id })
  }
}

function byText(one = '', other = ''): number {
  return one < other ? -1 : one > other ? 1 : 0
}
