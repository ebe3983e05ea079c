import { interaction_ttl } from '../../authorization/provider.ts'
import { addRecordOnce, findRecord, upsertRecord } from '../../../../storage/records.ts'
import type { Flow } from '../../sign-in/flow.ts'
import type { Decision } from './verify-decision.ts'

const request_model = 'ConsentRequest'
const decision_model = 'ConsentDecision'
/** Clocks may be apart: a decision is remembered this much longer than it is valid, seconds. */
const memory_margin = 600

type Parts = Pick<Flow, 'store' | 'now'>

/** The request with this `jti` was sent out for this sign-in. */
export function rememberRequest(
  { store, now }: Parts,
  jti: string,
  sign_in: string,
): Promise<void> {
  const expires_at = new Date(now() + interaction_ttl * 1000)
  return upsertRecord(store, request_model, jti, { sign_in }, { expires_at })
}

/** Whether such a request was sent out for this very sign-in. */
export async function wasRequested(
  { store }: Parts,
  jti: string,
  sign_in: string,
): Promise<boolean> {
  const found = await findRecord(store, request_model, jti)
  return found?.payload['sign_in'] === sign_in
}

/** True for the first caller with this decision only, on every replica. */
export function useDecision({ store }: Parts, { jti, exp }: Decision): Promise<boolean> {
  return addRecordOnce(store, decision_model, jti, new Date((exp + memory_margin) * 1000))
}
