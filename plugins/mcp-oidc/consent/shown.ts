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

/** True for one caller only: a sign-in counts once, and so does the request, however many it has seen. */
export async function claim(flow: Flow, { interaction, sign_in }: Shown): Promise<boolean> {
  return (
    (await flow.transactions.takeConsent(sign_in)) !== undefined &&
    (await flow.transactions.answer(interaction.uid))
  )
}
