import type { Request, Response } from 'express'
import type { Provider } from 'oidc-provider'
import type { Store } from '../../../storage/store.ts'
import { type Audit, requestId } from '../audit.ts'
import type { Clients } from '../authorization/clients/clients.ts'
import type { Settings } from '../config/settings.ts'
import type { ConsentService } from '../consent/external/consent-service.ts'
import type { EndConnections } from '../connections/end.ts'
import { sendPage } from '../http/page.ts'
import type { Log } from '../log.ts'
import type { MessagePage, Pages } from '../pages/pages.ts'
import type { Bounces } from './bounces.ts'
import type { Transactions } from './transactions.ts'
import type { Upstream } from './upstream.ts'

/** What the steps of the sign-in share. */
export interface Flow {
  readonly settings: Settings
  readonly provider: Provider
  readonly store: Store
  readonly transactions: Transactions
  readonly clients: Clients
  readonly bounces: Bounces
  readonly upstreams: ReadonlyMap<string, Upstream>
  /** Decides in place of our consent page, where there is one. */
  readonly consent_service: ConsentService | undefined
  readonly pages: Pages
  readonly audit: Audit
  readonly end: EndConnections
  readonly log: Log
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Ends a step with a page that says what happened and how to go on. */
export function tell(
  flow: Pick<Flow, 'pages'>,
  req: Request,
  res: Response,
  status: number,
  message: MessagePage,
): void {
  const request_id = requestId(req)
  sendPage(
    res,
    status,
    flow.pages.message(request_id === undefined ? message : { ...message, request_id }),
  )
}
