import type { Pdk } from '../../../gateway/plugin-server/pdk.ts'
import { bearerToken } from './bearer-token.ts'
import type { Door } from './door.ts'
import { type TurnAwayParts, turnAway } from './turn-away.ts'

/** `serve: resource`. Two PDK calls when all is well: the token is read, the identity replaces it. */
export async function serveResource(kong: Pdk, door: Door, parts: TurnAwayParts): Promise<void> {
  const judged = door.judge(bearerToken(await kong.request.getHeader('authorization')))
  const verdict = judged instanceof Promise ? await judged : judged
  if (verdict.refused) return turnAway(kong, verdict, parts)
  await kong.service.request.setHeaders(verdict.headers)
}
