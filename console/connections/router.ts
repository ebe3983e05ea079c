import { Router } from 'express'
import type { Store } from '../../storage/store.ts'
import type { Environment } from '../environment.ts'
import type { Render } from '../pages/render.ts'

export interface PageParts {
  readonly store: Store
  readonly render: Render
  readonly settings: Pick<Environment, 'gateway_url'>
}

/** What somebody has connected. */
export function createConnectionsRouter({ render }: PageParts): Router {
  const router = Router()
  router.get('/', (_request, response) =>
    render(response, 'connections', { title: 'Your AI connections', here: 'connections' }),
  )
  return router
}
