import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { obtainTokens } from '../../support/oauth-flow.ts'
import type { StreamingUpstream } from '../../support/streaming-upstream.ts'
import { openStream } from './open-stream.ts'
import { timeStream } from './time-stream.ts'

export interface Silence {
  readonly url: string
  readonly upstream: StreamingUpstream
  readonly signal: AbortSignal
  readonly report: (line: string) => void
}

/** Milliseconds. */
export interface Length {
  readonly silence: number
  readonly every: number
}

/** Times are milliseconds. */
export interface Outcome {
  /** Whether the client of the silent call got what the upstream said at last, and nothing else. */
  readonly answered: boolean
  readonly problem: string | undefined
  readonly silent_for: number
  readonly streams: Record<'headers' | 'events' | 'aborts', number[]>
}

const last_word = 'data: {"jsonrpc":"2.0","id":1,"result":{"content":[]}}\n\n'
/** A token lives for ten minutes; one for the other streams is taken again before it is old. */
const token_age = 240_000

/** Holds a call that says nothing, for as long as is asked or until it breaks, beside short ones. */
export async function holdSilent(
  { report, signal, upstream, url }: Silence,
  { every, silence }: Length,
): Promise<Outcome> {
  const signIn = async () => ({
    ...(await obtainTokens(url)),
    at: performance.now(),
  })
  let token = await signIn()
  const { answer, stream } = await openStream(url, upstream, token.access_token, signal)
  const began = performance.now()
  let over: string | undefined
  const heard = text(answer).catch((error: unknown) => {
    over = `the silent call broke after ${Math.round(performance.now() - began)} ms: ${String(error)}`
    return undefined
  })
  stream.once('close', () => {
    if (!stream.writableEnded) over ??= 'the silent call was closed at the upstream'
  })

  const streams: Outcome['streams'] = { headers: [], events: [], aborts: [] }
  const passed = () => performance.now() - began
  report(`silent for ${silence / 60_000} minutes from now on`)
  while (over === undefined && passed() < silence) {
    if (performance.now() - token.at > token_age) token = await signIn()
    const times = await timeStream(url, upstream, token.access_token, signal)
    streams.headers.push(times.headers)
    streams.events.push(times.event)
    streams.aborts.push(times.abort)
    if (streams.events.length % 6 === 0) report(`silent for ${Math.round(passed() / 1000)} s`)
    await pause(Math.min(every, Math.max(0, silence - passed())), undefined, { signal })
  }
  const silent_for = passed()
  stream.end(last_word)
  const answered = (await heard) === last_word
  return { answered, problem: over, silent_for, streams }
}
