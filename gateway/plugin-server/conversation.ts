import { ConnectionDroppedError } from './frame-stream.ts'
import type { FrameStream } from './frame-stream.ts'
import { FrameTooLargeError, max_frame_bytes } from './frames.ts'
import { pdk_methods } from './pdk-methods.ts'
import type { Exit, PdkArgument, PdkMethod, PdkReply } from './pdk-methods.ts'
import type { Int64, Message } from './protocol.ts'
import { rpc_return } from './rpc.ts'

/** A PDK call that cannot be made or whose reply makes no sense. */
export class PdkError extends Error {
  override readonly name = 'PdkError'
}

/** How an event ended: the request goes on, was answered here, or Kong went away. */
export type Ending = 'continued' | 'exited' | 'dropped'

type Closing = 'the event has ended' | 'the request was answered' | 'Kong is gone'

const method_names = new Map(Object.keys(pdk_methods).map(name => [name, Buffer.from(name)]))
const end_of_event = Buffer.alloc(0)

/** The argument is encoded before anything is sent, so that a wrong one leaves the event sound. */
function encodeCall<M extends PdkMethod>(
  method: M,
  argument: PdkArgument<M>,
): [Buffer, Uint8Array] {
  const name = method_names.get(method)
  if (name === undefined) throw new PdkError(`${method} is not a PDK method`)
  const message = pdk_methods[method].argument as Message<PdkArgument<M>>
  const encoded = message.encode(argument)
  if (encoded.length > max_frame_bytes) throw new FrameTooLargeError(encoded.length)
  return [name, encoded]
}

/**
 * One event on a connection. PDK calls go out one after the other, since replies come in order and
 * carry no name. Nothing is sent once the event has ended, and an ended event holds on to nothing.
 */
export class Conversation {
  /** Settles once, as soon as the last byte of the event is written or Kong is gone. */
  readonly over: Promise<Ending>
  readonly #settle: (ending: Ending) => void
  readonly #sequence: Int64
  #frames: FrameStream | undefined
  #queue: Promise<unknown> = Promise.resolve()
  /** Why no further call is accepted. */
  #closing: Closing | undefined
  /** The request must not go on, even when the plugin has swallowed the error. */
  #fatal: Error | undefined

  constructor(frames: FrameStream, sequence: Int64) {
    const { promise, resolve } = Promise.withResolvers<Ending>()
    this.over = promise
    this.#settle = resolve
    this.#sequence = sequence
    this.#frames = frames
    frames.ondrop = () => this.#finish('dropped', 'Kong is gone')
  }

  /** Whether the request is or will be answered by `exit`. */
  get exited(): boolean {
    return this.#closing === 'the request was answered'
  }

  get dropped(): boolean {
    return this.#closing === 'Kong is gone'
  }

  /** @throws PdkError, TypeError for a wrong argument, ConnectionDroppedError, FrameTooLargeError */
  call<M extends PdkMethod>(method: M, argument: PdkArgument<M>): Promise<PdkReply<M>> {
    return observed(async () => {
      const call = encodeCall(method, argument)
      return this.#enqueue(method, async frames => {
        frames.send(...call)
        const reply = await this.#read(frames)
        try {
          return pdk_methods[method].reply.decode(reply) as PdkReply<M>
        } catch (cause) {
          throw new PdkError(`the reply to ${method} cannot be decoded`, { cause })
        }
      })
    })
  }

  /** Answers the request in the plugin's stead, after the calls made so far. */
  exit(exit: Exit): Promise<void> {
    return observed(async () => {
      try {
        if (!Number.isInteger(exit.status) || exit.status < 100 || exit.status > 599) {
          throw new RangeError(`${exit.status} is no HTTP status`)
        }
        const call = encodeCall('kong.response.exit', exit)
        await this.#last('kong.response.exit', 'the request was answered', frames => {
          frames.send(...call)
          return 'exited'
        })
      } catch (error) {
        this.#fatal ??= error as Error
        throw error
      }
    })
  }

  /**
   * Lets the request go on, after the calls made so far.
   * @throws what made that impossible: an `exit` that failed, a stream that cannot be followed.
   */
  async end(): Promise<void> {
    for (let seen; seen !== this.#queue;) {
      seen = this.#queue
      await seen
    }
    if (this.#fatal) throw this.#fatal
    const answer = rpc_return.encode({ sequence: this.#sequence })
    await this.#last('the end of the event', 'the event has ended', frames => {
      frames.send(end_of_event, answer)
      return 'continued'
    })
  }

  async #read(frames: FrameStream): Promise<Buffer> {
    try {
      return await frames.read()
    } catch (error) {
      if (error instanceof FrameTooLargeError) this.#fatal ??= error
      throw error
    }
  }

  #last(what: string, closing: Closing, send: (frames: FrameStream) => Ending): Promise<void> {
    const sent = this.#enqueue(what, frames => this.#finish(send(frames), closing))
    this.#closing ??= closing
    return sent
  }

  #enqueue<T>(what: string, step: (frames: FrameStream) => T | Promise<T>): Promise<T> {
    if (this.#closing) throw new PdkError(`${what} was called although ${this.#closing}`)
    const result = this.#queue.then(() => {
      if (!this.#frames) throw new ConnectionDroppedError(`Kong is gone: ${what} was not sent`)
      return step(this.#frames)
    })
    this.#queue = result.catch(() => undefined) // the caller has it; the queue only waits
    return result
  }

  #finish(ending: Ending, closing: Closing): void {
    if (!this.#frames) return
    this.#closing = closing
    this.#frames.ondrop = undefined
    this.#frames = undefined
    this.#settle(ending)
  }
}

/** A plugin that does not await a call must not bring the server down with an unhandled rejection. */
function observed<T>(run: () => Promise<T>): Promise<T> {
  const result = run()
  result.catch(() => undefined)
  return result
}
