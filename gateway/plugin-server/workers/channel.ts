import type { Socket } from 'node:net'

/** The other process is gone, or did not answer: what was asked of it has no answer. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError'
}

/** What a process may be asked, by name: it takes one value and gives another. */
export type Requests = Readonly<Record<string, (value: never) => unknown>>

type Value<R extends Requests, K extends keyof R> = Parameters<R[K]>[0]
type Answer<R extends Requests, K extends keyof R> = Awaited<ReturnType<R[K]>>

/** Our end of the channel between two processes; `T` is what the other end answers. */
export interface Channel<T extends Requests> {
  /** @throws NoAnswerError; an Error with what the other end threw */
  ask<K extends keyof T & string>(name: K, value: Value<T, K>): Promise<Answer<T, K>>
  /** What is not answered. Should the other process be gone, nobody hears it. */
  tell<K extends keyof T & string>(name: K, value: Value<T, K>): void
  /**
   * Gives the other process a connection as well. Ours stays open, and unread: only we can tell
   * whether the other lived to take it.
   */
  give(socket: Socket): void
}

/** A process and its channel: `process` itself for a child, a ChildProcess for its parent. */
export interface Port {
  send?(
    message: object,
    handle: Socket | undefined,
    options: { readonly keepOpen: true },
    done: (error: Error | null) => void,
  ): boolean
  on(event: 'message', listener: (message: unknown, handle: Socket | undefined) => void): unknown
  on(event: 'disconnect', listener: () => void): unknown
}

/** Calls are numbered by who asks; the number of an answer is the call's. */
type Message =
  | { readonly call: number; readonly name: string; readonly value: unknown }
  | { readonly answer: number; readonly value?: unknown; readonly error?: string }
  | { readonly told: string; readonly value: unknown }
  | { readonly given: true }

interface Asked {
  resolve(value: never): void
  reject(error: Error): void
}

export interface ChannelOptions<O extends Requests> {
  /** What we are asked, in the order it was sent: a call begins before the next message is read. */
  readonly answers: O
  /** A connection was handed to us; undefined when it was closed on its way. */
  readonly given?: (connection: Socket | undefined) => void
  /** Whatever does not fit: two processes of one version never see it. */
  readonly failed: (error: Error) => void
}

export function openChannel<T extends Requests, O extends Requests>(
  port: Port,
  { answers, given, failed }: ChannelOptions<O>,
): Channel<T> {
  const asked = new Map<number, Asked>()
  let calls = 0
  let gone = false

  const send = (message: Message, handle?: Socket) => {
    // An end that is gone is heard of by `disconnect`.
    port.send?.(message, handle, { keepOpen: true }, () => undefined)
  }

  function carryOut(name: string, value: unknown): unknown {
    const handler = Object.hasOwn(answers, name) ? answers[name] : undefined
    if (!handler) throw new Error(`nobody answers ${name}`)
    return handler(value as never)
  }

  async function answer(call: number, name: string, value: unknown): Promise<void> {
    try {
      send({ answer: call, value: await carryOut(name, value) })
    } catch (error) {
      send({ answer: call, error: error instanceof Error ? error.message : String(error) })
    }
  }

  async function hear(name: string, value: unknown): Promise<void> {
    try {
      await carryOut(name, value)
    } catch (error) {
      failed(error instanceof Error ? error : new Error(String(error)))
    }
  }

  port.on('message', (message, handle) => {
    const said = message as Message
    if ('given' in said) given?.(handle)
    else if ('call' in said) void answer(said.call, said.name, said.value)
    else if ('told' in said) void hear(said.told, said.value)
    else {
      const waiting = asked.get(said.answer)
      asked.delete(said.answer)
      if (!waiting) failed(new Error(`an answer came to what was not asked: ${said.answer}`))
      else if (said.error !== undefined) waiting.reject(new Error(said.error))
      else waiting.resolve(said.value as never)
    }
  })
  port.on('disconnect', () => {
    gone = true
    for (const waiting of asked.values()) waiting.reject(new NoAnswerError('the process is gone'))
    asked.clear()
  })
  return {
    ask: (name, value) =>
      new Promise((resolve, reject) => {
        if (gone) return reject(new NoAnswerError('the process is gone'))
        calls += 1
        asked.set(calls, { resolve, reject })
        send({ call: calls, name, value })
      }),
    tell: (name, value) => send({ told: name, value }),
    give: socket => send({ given: true }, socket),
  }
}
