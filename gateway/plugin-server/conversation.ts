import { ConnectionDroppedError } from './frame-stream.ts'
import type { FrameStream } from './frame-stream.ts'
import { FrameTooLargeError, max_frame_bytes } from './frames.ts'
import { empty, pdk_methods } from './pdk-methods.ts'
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

const answered_nothing = Promise.resolve(undefined)

/**
 * One event on a connection. PDK calls go out in their order, one at a time, since replies come in
 * order and carry no name. A call that is answered with nothing does not wait for that: it goes out
 * with the next one, or with the end of the event, and Kong works through them one after the other.
 * Nothing is sent once the event has ended, and an ended event holds on to nothing.
 */
export class Conversation {
  /** Settles once, as soon as Kong has answered the last call of the event or is gone. */
  readonly over: Promise<Ending>
  readonly #settle: (ending: Ending) => void
  readonly #sequence: Int64
  #frames: FrameStream | undefined
  /** Calls that go out with what comes next. */
  #output: Uint8Array[] = []
  /** Replies that Kong owes us for calls that are answered with nothing. */
  #owed = 0
  /** Settles when the calls made so far are over; undefined while none is under way. */
  #queue: Promise<void> | undefined
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
    try {
      const call = encodeCall(method, argument)
      const message = pdk_methods[method].reply as Message<PdkReply<M>>
      const answered: boolean = pdk_methods[method].reply !== empty
      if (!answered && !this.#queue) {
        this.#refuseIfClosing(method)
        this.#put(call)
        return answered_nothing as Promise<PdkReply<M>>
      }
      return observed(
        this.#enqueue(method, frames => {
          if (answered) return this.#exchange(frames, method, call, message)
          this.#put(call)
          return undefined as PdkReply<M>
        }),
      )
    } catch (error) {
      return observed(Promise.reject(error as Error))
    }
  }

  /** Answers the request in the plugin's stead, after the calls made so far. */
  exit(exit: Exit): Promise<void> {
    try {
      if (!Number.isInteger(exit.status) || exit.status < 100 || exit.status > 599) {
        throw new RangeError(`${exit.status} is no HTTP status`)
      }
      const call = encodeCall('kong.response.exit', exit)
      return observed(
        this.#last('kong.response.exit', 'the request was answered', frames => {
          frames.send(...this.#takeOutput(), ...call)
          this.#finish('exited', 'the request was answered')
        }).catch((error: unknown) => {
          this.#fatal ??= error as Error
          throw error
        }),
      )
    } catch (error) {
      this.#fatal ??= error as Error
      return observed(Promise.reject(error as Error))
    }
  }

  /**
   * Lets the request go on, after the calls made so far.
   * @throws what made that impossible: an `exit` that failed, a stream that cannot be followed.
   */
  async end(): Promise<void> {
    while (this.#queue) await this.#queue
    if (this.#fatal) throw this.#fatal
    const answer = rpc_return.encode({ sequence: this.#sequence })
    await this.#last('the end of the event', 'the event has ended', async frames => {
      frames.send(...this.#takeOutput(), end_of_event, answer)
      // A connection that we close before would make Kong fail on them. What is wrong with one of
      // them is wrong with the connection, and shows there.
      await this.#readOwed(frames).catch(() => undefined)
      this.#finish('continued', 'the event has ended')
    })
  }

  #put(call: readonly Uint8Array[]): void {
    this.#output.push(...call)
    this.#owed += 1
  }

  #takeOutput(): readonly Uint8Array[] {
    const output = this.#output
    this.#output = []
    return output
  }

  async #readOwed(frames: FrameStream): Promise<void> {
    for (; this.#owed > 0; this.#owed -= 1) await this.#read(frames)
  }

  async #exchange<R>(
    frames: FrameStream,
    method: PdkMethod,
    call: readonly Uint8Array[],
    message: Message<R>,
  ): Promise<R> {
    frames.send(...this.#takeOutput(), ...call)
    if (this.#owed > 0) await this.#readOwed(frames)
    const reply = await this.#read(frames)
    try {
      return message.decode(reply)
    } catch (cause) {
      throw new PdkError(`the reply to ${method} cannot be decoded`, { cause })
    }
  }

  async #read(frames: FrameStream): Promise<Buffer> {
    try {
      return await frames.read()
    } catch (error) {
      if (error instanceof FrameTooLargeError) this.#fatal ??= error
      throw error
    }
  }

  async #last(
    what: string,
    closing: Closing,
    send: (frames: FrameStream) => Promise<void> | void,
  ): Promise<void> {
    const sent = this.#enqueue(what, send)
    this.#closing ??= closing
    await sent
  }

  #refuseIfClosing(what: string): void {
    if (this.#closing) throw new PdkError(`${what} was called although ${this.#closing}`)
  }

  /** Rejects, or throws at once when no further call is accepted. */
  #enqueue<T>(what: string, step: (frames: FrameStream) => T | Promise<T>): Promise<T> {
    this.#refuseIfClosing(what)
    const run = async () => {
      if (!this.#frames) throw new ConnectionDroppedError(`Kong is gone: ${what} was not sent`)
      return step(this.#frames)
    }
    const result = this.#queue ? this.#queue.then(run) : run()
    const over = () => {
      if (this.#queue === queue) this.#queue = undefined
    }
    const queue: Promise<void> = result.then(over, over) // the caller has it; the queue only waits
    this.#queue = queue
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
function observed<T>(result: Promise<T>): Promise<T> {
  result.catch(() => undefined)
  return result
}
