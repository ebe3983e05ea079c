import type { Pdk } from '../../../gateway/plugin-server/pdk.ts'
import { bearerToken } from './bearer-token.ts'
import type { Tracer } from '../tracing/tracer.ts'
import type { Door } from './door.ts'
import { first } from './first-header.ts'
import { traced } from './traced.ts'
import { type TurnAwayParts, turnAway } from './turn-away.ts'

/** `serve: resource`. Two PDK calls when all is well: the token is read, the identity replaces it. */
export async function serveResource(kong: Pdk, door: Door, parts: TurnAwayParts): Promise<void> {
  const judged = door.judge(bearerToken(await kong.request.getHeader('authorization')))
  const verdict = judged instanceof Promise ? await judged : judged
  if (verdict.refused) await turnAway(kong, verdict, parts)
  else await kong.service.request.setHeaders(verdict.headers)
}

/** The same where spans are made: the trace is read with the token, and handed on with the identity. */
export async function serveTraced(
  kong: Pdk,
  door: Door,
  { tracer, ...parts }: TurnAwayParts & { readonly tracer: Tracer },
): Promise<void> {
  await traced(kong, tracer, async (headers, traceparent) => {
    const verdict = await door.judge(bearerToken(first(headers, 'authorization')))
    if (verdict.refused) return turnAway(kong, verdict, parts, headers)
    await kong.service.request.setHeaders({ ...verdict.headers, ...traceparent })
    return undefined
  })
}
