import type { Headers, Pdk } from '../../../gateway/plugin-server/pdk.ts'
import { requestId, type RuntimeAudit } from '../audit.ts'
import type { Log } from '../log.ts'
import type { Refusal } from './challenge.ts'
import { first } from './first-header.ts'

export interface TurnAwayParts {
  readonly audit: Pick<RuntimeAudit, 'refused'>
  readonly log: Log
}

/**
 * Answers a request whose token was not accepted. Nobody is known, so it is counted (requirement
 * M05), by the client's address. That and the request's id, unless its `headers` are known already,
 * are asked of Kong together with the answer: when it cannot tell, the refusal stands all the same.
 * Gives the status.
 */
export async function turnAway(
  kong: Pdk,
  refusal: Refusal,
  { audit, log }: TurnAwayParts,
  headers?: Headers,
): Promise<number> {
  const { status, body, reason, detail } = refusal
  const [given_id, given_ip, exit] = await Promise.allSettled([
    headers ? first(headers, 'x-request-id') : kong.request.getHeader('x-request-id'),
    kong.client.getForwardedIp(),
    kong.response.exit(status, body, refusal.headers),
  ])
  const known = <T>(what: string, given: PromiseSettledResult<T>) => {
    if (given.status === 'fulfilled') return given.value
    log.warn({ err: given.reason as unknown }, `the ${what} of a refused request is not known`)
    return undefined
  }
  const request_id = requestId({ headers: { 'x-request-id': known('id', given_id) } })
  log.info({ status, reason: detail, ...(request_id && { request_id }) }, 'refused')
  const ip = known('address', given_ip)
  const address = ip ? { ip } : {}
  audit.refused({ type: 'refusal', outcome: 'refused', error_code: reason, ...address })
  if (exit.status === 'rejected') throw exit.reason
  return status
}
