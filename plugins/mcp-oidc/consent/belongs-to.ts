import type { Interaction } from '../sign-in/interaction.ts'
import { isBrowser, type PendingConsent } from '../sign-in/transactions.ts'

/** Whether a sign-in was made for this request and in this browser. */
export function belongsTo(pending: PendingConsent, { uid, browser }: Interaction): boolean {
  return pending.uid === uid && isBrowser(pending.browser, browser)
}
