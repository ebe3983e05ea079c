import type { Connection } from '../../../storage/connections.ts'
import type { AccessToken } from './access-token.ts'

/** Why a token does not count although it is genuine; undefined when its connection is alive. */
export function connectionProblem(
  token: AccessToken,
  connection: Connection | undefined,
  now: number,
): string | undefined {
  if (!connection) return 'no connection'
  if (connection.status !== 'active')
    return `connection ended: ${connection.ended_reason ?? 'no reason'}`
  if (connection.expires_at.getTime() <= now) return 'connection expired'
  // They were written together; a difference means one of them is not what it was.
  if (
    connection.user_id !== token.sub ||
    connection.client_id !== token.client_id ||
    connection.org_id !== token.org_id
  )
    return 'token and connection disagree'
  return undefined
}
