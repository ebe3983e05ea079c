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

const this_turn = Promise.resolve(undefined)

/**
 * One event on a connection. PDK calls that are made at once leave in one write: Kong works through
 * them one after the other, and its replies come in that order. A call that is answered with nothing
 * waits for nobody: it goes out with the next one, or with the end of the event. Nothing is sent once
 * the event has ended, and an ended event holds on to nothing.
 */
export class Conversation {
  /** Settles once, as soon as Kong has answered the last call of the event or is gone. */
  readonly over: Promise<Ending>
  readonly #settle: (ending: Ending) => void
  readonly #sequence: Int64
  #frames: FrameStream | undefined
  /** Frames that leave with the next write. */
  #output: Uint8Array[] = []
  /** A write follows in this turn. */
  #sending = false
  /** Replies that calls of the plugin wait for. */
  #awaited = 0
  /** Replies that Kong owes us for calls that are answered with nothing. */
  #owed = 0
  /** Told when no reply is awaited any more. */
  #onreplied: (() => void) | undefined
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
    frames.ondrop = () => this.#dropped()
  }

  /** Whether the request is answered by `exit`. */
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
      const frames = this.#open(method)
      this.#output.push(...call)
      const message = pdk_methods[method].reply as Message<PdkReply<M>>
      if ((message as Message<unknown>) === empty) {
        this.#oweReply(frames)
        return this_turn as Promise<PdkReply<M>>
      }
      this.#sendSoon()
      return observed(this.#awaitReply(frames, method, message))
    } catch (error) {
      return observed(Promise.reject(error as Error))
    }
  }

  /**
   * Answers the request in the plugin's stead, after the calls made so far. It does not wait for their
   * replies, which still reach who does: the event is over with the last of them.
   */
  exit(exit: Exit): Promise<void> {
    try {
      if (!Number.isInteger(exit.status) || exit.status < 100 || exit.status > 599) {
        throw new RangeError(`${exit.status} is no HTTP status`)
      }
      const call = encodeCall('kong.response.exit', exit)
      this.#open('kong.response.exit')
      this.#closing = 'the request was answered'
      this.#output.push(...call)
      this.#send()
      if (this.#awaited === 0) this.#finish('exited')
      return this_turn
    } catch (error) {
      this.#fatal ??= error as Error
      return observed(Promise.reject(error as Error))
    }
  }

  /**
   * Lets the request go on, once the calls made so far have their replies.
   * @throws what made that impossible: an `exit` that failed, a stream that cannot be followed.
   */
  async end(): Promise<void> {
    while (this.#awaited > 0) await new Promise<void>(resolve => (this.#onreplied = resolve))
    if (this.#fatal) throw this.#fatal
    const answer = rpc_return.encode({ sequence: this.#sequence })
    this.#open('the end of the event')
    this.#closing = 'the event has ended'
    this.#output.push(end_of_event, answer)
    this.#send()
    // A connection that we close before Kong has written what it owes would make it fail on that.
    if (this.#owed === 0) this.#finish('continued')
  }

  /** @throws PdkError when no further call is accepted. */
  #open(what: string): FrameStream {
    if (this.#frames && !this.#closing) return this.#frames
    throw new PdkError(`${what} was called although ${this.#closing ?? 'Kong is gone'}`)
  }

  #sendSoon(): void {
    if (this.#sending) return
    this.#sending = true
    void this_turn.then(() => {
      this.#sending = false
      this.#send()
    })
  }

  #send(): void {
    const output = this.#output
    this.#output = []
    if (output.length > 0) this.#frames?.send(...output)
  }

  #awaitReply<R>(frames: FrameStream, method: PdkMethod, message: Message<R>): Promise<R> {
    this.#awaited += 1
    return new Promise((resolve, reject) => {
      frames.next({
        resolve: frame => {
          try {
            resolve(message.decode(frame))
          } catch (cause) {
            reject(new PdkError(`the reply to ${method} cannot be decoded`, { cause }))
          }
          this.#replied()
        },
        reject: error => {
          reject(error)
          this.#failed(error)
          this.#replied()
        },
      })
    })
  }

  #replied(): void {
    this.#awaited -= 1
    if (this.#awaited > 0) return
    this.#onreplied?.()
    if (this.exited) this.#finish('exited')
  }

  /** Nobody waits for it but the end of the event. */
  #oweReply(frames: FrameStream): void {
    this.#owed += 1
    frames.next({
      resolve: () => this.#paid(),
      reject: error => {
        this.#failed(error)
        // What is wrong with the stream shows to who reads on; who is gone, is told of by `ondrop`.
        if (error instanceof FrameTooLargeError) this.#paid()
      },
    })
  }

  #paid(): void {
    this.#owed -= 1
    if (this.#owed === 0 && this.#closing === 'the event has ended') this.#finish('continued')
  }

  #failed(error: Error): void {
    if (error instanceof FrameTooLargeError) this.#fatal ??= error
  }

  /** Kong drops the connection when it has read an exit: that is how an exit ends. */
  #dropped(): void {
    if (this.exited) return this.#finish('exited')
    this.#closing = 'Kong is gone'
    this.#finish('dropped')
  }

  #finish(ending: Ending): void {
    if (!this.#frames) return
    this.#frames.ondrop = undefined
    this.#frames = undefined
    this.#output = []
    this.#settle(ending)
  }
}

/** A plugin that does not await a call must not bring the server down with an unhandled rejection. */
function observed<T>(result: Promise<T>): Promise<T> {
  result.catch(() => undefined)
  return result
}
