import type { Duplex } from 'node:stream'

import { encodeFrames, FrameDecoder, FrameTooLargeError } from './frames.ts'

/** The other side ended the connection, or we did. */
export class ConnectionDroppedError extends Error {
  override readonly name = 'ConnectionDroppedError'
}

/** One for all: to make an error costs more than to encode the answer that ends a conversation. */
const conversation_over = new ConnectionDroppedError('the conversation is over')

/** More frames than this that nobody waits for is no conversation: one call has one reply. */
const max_waiting = 1024

/** Who waits for one frame. Neither may throw. */
export interface Reader {
  resolve(frame: Buffer): void
  reject(error: Error): void
}

/** A connection as frames: written at any time, and read by those who wait, in their order. */
export class FrameStream {
  readonly #stream: Duplex
  readonly #decoder = new FrameDecoder()
  #waiting: Buffer[] = []
  #readers: Reader[] = []
  #failure: Error | undefined
  /** Called when the connection is gone, whoever ended it; at most once. */
  ondrop: (() => void) | undefined

  constructor(stream: Duplex) {
    this.#stream = stream
    stream.on('data', (chunk: Buffer) => this.#receive(chunk))
    stream.on('error', cause => this.#drop(new ConnectionDroppedError(cause.message, { cause })))
    stream.on('end', () => this.destroy())
    stream.on('close', () => {
      this.#drop(this.#failure ?? new ConnectionDroppedError('the connection was closed'))
    })
  }

  /** Why nothing more can be read; undefined while it can. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /**
   * The next frame.
   * @throws ConnectionDroppedError; FrameTooLargeError when the stream can no longer be followed (it
   * stays writable, and what still comes is read and thrown away so that the sender is not blocked).
   */
  read(): Promise<Buffer> {
    return new Promise((resolve, reject) => this.next({ resolve, reject }))
  }

  /** The same without a promise: `reader` is told as soon as its frame is there. */
  next(reader: Reader): void {
    const frame = this.#waiting.shift()
    if (frame !== undefined) reader.resolve(frame)
    else if (this.#failure !== undefined) reader.reject(this.#failure)
    else this.#readers.push(reader)
  }

  /**
   * Writes the payloads as frames in one piece. A broken connection shows in the next read.
   * @throws FrameTooLargeError before anything is written.
   */
  send(...payloads: readonly Uint8Array[]): void {
    const frames = encodeFrames(...payloads)
    if (this.#stream.writable) this.#stream.write(frames)
  }

  /** Throws away whatever still comes. */
  ignore(): void {
    this.#fail(conversation_over)
    this.#waiting = []
  }

  /** Ends the connection after everything sent so far. */
  end(): void {
    this.#stream.end()
  }

  destroy(): void {
    this.#stream.destroy()
  }

  #receive(chunk: Buffer): void {
    if (this.#failure !== undefined) return
    try {
      for (const frame of this.#decoder.push(chunk)) this.#deliver(frame)
      if (this.#waiting.length > max_waiting) {
        throw new ConnectionDroppedError(`${this.#waiting.length} frames came unasked`)
      }
    } catch (error) {
      if (!(error instanceof FrameTooLargeError) && !(error instanceof ConnectionDroppedError)) {
        throw error
      }
      this.#fail(error)
      if (error instanceof ConnectionDroppedError) this.destroy()
    }
  }

  #deliver(frame: Buffer): void {
    const reader = this.#readers.shift()
    if (reader === undefined) this.#waiting.push(frame)
    else reader.resolve(frame)
  }

  #fail(failure: Error): void {
    this.#failure ??= failure
    const readers = this.#readers
    this.#readers = []
    for (const reader of readers) reader.reject(this.#failure)
  }

  #drop(failure: Error): void {
    this.#fail(failure)
    const ondrop = this.ondrop
    this.ondrop = undefined
    ondrop?.()
  }
}
