import { Router } from 'express'
import type { PageParts } from '../connections/router.ts'
import { messages, showMessage } from '../pages/messages.ts'
import { viewerOf } from '../session/viewer.ts'
import { clientPages } from './client-pages.ts'
import { limitPages } from './limit-pages.ts'
import { memberPages } from './member-pages.ts'

/**
 * `/orgs/:org/…`: what an admin sees and decides for their organization. For everybody else it is not there,
 * whether there is such an organization or not.
 */
export function createOrganizationRouter(parts: PageParts): Router {
  const router = Router({ caseSensitive: true })
  router.use('/orgs/:org', (request, response, next) => {
    if (viewerOf(response).admin_org_ids.includes(request.params.org)) return next()
    showMessage(parts.render, response, 404, messages.not_found)
  })
  memberPages(router, parts)
  clientPages(router, parts)
  limitPages(router, parts)
  return router
}
