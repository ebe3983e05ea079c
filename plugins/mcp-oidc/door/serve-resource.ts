import type { Pdk } from '../../../gateway/plugin-server/pdk.ts'
import type { Log } from '../log.ts'
import { bearerToken } from './bearer-token.ts'
import type { Door } from './door.ts'
import { identityHeaders } from './identity.ts'

/** `serve: resource`. Two PDK calls when all is well: the token is read, the identity replaces it. */
export async function serveResource(kong: Pdk, door: Door, log: Log): Promise<void> {
  const verdict = await door.judge(bearerToken(await kong.request.getHeader('authorization')))
  if (verdict.refused) {
    log.info({ status: verdict.status, reason: verdict.detail }, 'refused')
    return kong.response.exit(verdict.status, verdict.body, verdict.headers)
  }
  await kong.service.request.setHeaders(identityHeaders(verdict.identity, verdict.assertion))
}
