import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Response as Reply } from 'express'

export interface Patience {
  /** Milliseconds until an answer is late. */
  readonly late_after: number
  /** Milliseconds between the signs of life. */
  readonly sign_every: number
}

/** Proxies take a connection on which nothing moves for dead: many after a minute, some after half of it. */
const usual: Patience = { late_after: 10_000, sign_every: 15_000 }

/**
 * An answer that is late becomes a stream of events, on which a comment is sent now and then: so
 * nobody on the way takes a tool that thinks for ten minutes for one that died. The answer is its one
 * event, as the body would have been (MCP 2025-11-25, "Sending Messages to the Server").
 */
export async function streamWhenLate(
  answer: Promise<Response>,
  reply: Reply,
  { late_after, sign_every }: Patience = usual,
): Promise<Response> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), late_after)
  try {
    const response = await Promise.race([answer, late])
    if (response) return response
  } finally {
    clearTimeout(timer)
  }
  reply.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  })
  const sign = () => reply.write(': still at it\n\n')
  sign()
  const signs = setInterval(sign, sign_every)
  try {
    const response = await answer
    if (response === RESPONSE_ALREADY_SENT) return response
    if (!isStream(response)) reply.write(`event: message\ndata: ${await response.text()}\n\n`)
    else
      for await (const chunk of response.body ?? []) {
        if (reply.destroyed) break
        reply.write(chunk)
      }
    reply.end()
  } finally {
    clearInterval(signs)
  }
  return RESPONSE_ALREADY_SENT
}

const isStream = ({ headers }: Response) =>
  (headers.get('content-type') ?? '').startsWith('text/event-stream')
