import { already_answered, expired } from '../sign-in/messages.ts'
import type { Database } from '../../../storage/database.ts'
import type { Interaction } from '../sign-in/interaction.ts'
import { isBrowser, type PendingConsent } from '../sign-in/transactions.ts'
import type { Flow } from '../sign-in/flow.ts'

/** A sign-in that waits for its decision, and the request that it was made for. */
export interface Shown {
  readonly interaction: Interaction
  readonly sign_in: string
  readonly pending: PendingConsent
}

/** The sign-in with this id, if it was made for this request and in this browser. */
export async function findShown(
  flow: Flow,
  interaction: Interaction,
  sign_in: unknown,
): Promise<Shown | undefined> {
  if (typeof sign_in !== 'string') return undefined
  const pending = await flow.transactions.pendingConsent(sign_in)
  const { uid, browser } = interaction
  if (pending?.uid !== uid || !isBrowser(pending.browser, browser)) return undefined
  return { interaction, sign_in, pending }
}

/** What its browser is told of a sign-in that is not there: another answer may have used it up. */
export async function whyNotShown(flow: Flow, { uid }: Interaction): Promise<typeof expired> {
  const bound = await flow.transactions.boundTo(uid)
  return bound?.answered === true ? already_answered : expired
}

/**
 * True for one caller only: the request counts once, however many sign-ins it has seen, and so does
 * each of those.
 */
export function claim(
  flow: Pick<Flow, 'transactions'>,
  db: Database,
  { interaction, sign_in }: Shown,
): Promise<boolean> {
  return flow.transactions.claim(db, interaction.uid, sign_in)
}
