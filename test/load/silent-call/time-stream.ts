import { once } from 'node:events'
import type { StreamingUpstream } from '../../support/streaming-upstream.ts'
import { openStream } from './open-stream.ts'

/** Milliseconds from one end of the gateway to the other. */
export interface Times {
  readonly headers: number
  readonly event: number
  /** Until the upstream knew that the client had gone. */
  readonly abort: number
}

/** Milliseconds that anything may take at all. */
const patience = 5_000

/** Opens a stream, lets the upstream say one thing, and goes away. Rejects when a byte never comes. */
export async function timeStream(
  url: string,
  upstream: StreamingUpstream,
  token: string,
  interrupted: AbortSignal,
): Promise<Times> {
  const opened = await openStream(url, upstream, token, interrupted)
  const { answer, headers_took: headers, outgoing, stream } = opened
  const signal = AbortSignal.any([interrupted, AbortSignal.timeout(patience)])
  try {
    const first = once(answer, 'data', { signal })
    const written = performance.now()
    stream.write('data: 1\n\n')
    await first
    const event = performance.now() - written

    const closed = once(stream, 'close', { signal })
    const left = performance.now()
    // Its own end hears of it as an error.
    answer.once('error', () => undefined)
    outgoing.destroy()
    await closed
    return { headers, event, abort: performance.now() - left }
  } catch (error) {
    if (interrupted.aborted || !signal.aborted) throw error
    throw new Error(`a stream stood still for ${patience} ms`, { cause: error })
  } finally {
    outgoing.destroy()
  }
}
