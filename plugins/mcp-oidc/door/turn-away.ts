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
 * are PDK calls that only who is refused waits for; when Kong cannot tell, the refusal stands all the
 * same. Gives the status.
 */
export async function turnAway(
  kong: Pdk,
  refusal: Refusal,
  { audit, log }: TurnAwayParts,
  headers?: Headers,
): Promise<number> {
  const { status, body, reason, detail } = refusal
  const ask = <T>(what: string, asked: Promise<T>) =>
    asked.catch((error: unknown) => {
      log.warn({ err: error }, `the ${what} of a refused request is not known`)
      return undefined
    })
  const id = headers
    ? first(headers, 'x-request-id')
    : await ask('id', kong.request.getHeader('x-request-id'))
  const request_id = requestId({ headers: { 'x-request-id': id } })
  log.info({ status, reason: detail, ...(request_id && { request_id }) }, 'refused')
  const ip = await ask('address', kong.client.getForwardedIp())
  const address = ip ? { ip } : {}
  audit.refused({ type: 'refusal', outcome: 'refused', error_code: reason, ...address })
  await kong.response.exit(status, body, refusal.headers)
  return status
}
