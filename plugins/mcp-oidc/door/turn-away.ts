import type { Pdk } from '../../../gateway/plugin-server/pdk.ts'
import type { RuntimeAudit } from '../audit.ts'
import type { Log } from '../log.ts'
import type { Refusal } from './challenge.ts'

export interface TurnAwayParts {
  readonly audit: Pick<RuntimeAudit, 'refused'>
  readonly log: Log
}

/**
 * Answers a request whose token was not accepted. Nobody is known, so it is counted (requirement
 * M05), by the client's address: one more PDK call, which only who is refused waits for. When Kong
 * cannot tell the address, the refusal stands all the same.
 */
export async function turnAway(
  kong: Pdk,
  refusal: Refusal,
  { audit, log }: TurnAwayParts,
): Promise<void> {
  const { status, body, headers, reason, detail } = refusal
  log.info({ status, reason: detail }, 'refused')
  const ip = await kong.client.getForwardedIp().catch((error: unknown) => {
    log.warn({ err: error }, 'the address of a refused client is not known')
    return undefined
  })
  const address = ip ? { ip } : {}
  audit.refused({ type: 'refusal', outcome: 'refused', error_code: reason, ...address })
  return kong.response.exit(status, body, headers)
}
