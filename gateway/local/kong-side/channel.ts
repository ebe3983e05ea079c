import { createConnection } from 'node:net'
import type { Socket } from 'node:net'

import { ConnectionDroppedError, FrameStream } from '../../plugin-server/frame-stream.ts'
import { FrameTooLargeError } from '../../plugin-server/frames.ts'
import { PluginServerError } from './errors.ts'

/** One connection to the plugin server, used for one call at a time. */
export class Channel {
  readonly #socket: Socket
  readonly #frames: FrameStream
  #timeout: PluginServerError | undefined

  constructor(socket: Socket, read_timeout_ms: number, onclose: () => void) {
    this.#socket = socket
    this.#frames = new FrameStream(socket)
    this.#frames.ondrop = onclose
    socket.setTimeout(read_timeout_ms, () => {
      const text = `the plugin server was silent for ${read_timeout_ms / 1000} s`
      this.#timeout = new PluginServerError('timeout', text)
      socket.destroy()
    })
  }

  /** @throws PluginServerError `unreachable` */
  static open(path: string, read_timeout_ms: number, onclose: () => void): Promise<Channel> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ path })
      const refuse = (cause: Error) => {
        const text = `nothing answers on ${path}: ${cause.message}`
        reject(new PluginServerError('unreachable', text, { cause }))
      }
      socket.once('error', refuse)
      socket.once('connect', () => {
        socket.off('error', refuse)
        resolve(new Channel(socket, read_timeout_ms, onclose))
      })
    })
  }

  get open(): boolean {
    return !this.#socket.destroyed && this.#frames.failure === undefined
  }

  /** Writes one frame. A failed write shows in the next read. */
  write(payload: Uint8Array): void {
    this.#frames.send(payload)
  }

  /**
   * @throws ConnectionDroppedError when the plugin server closed the connection, PluginServerError
   * `timeout` or `protocol`
   */
  async read(): Promise<Buffer> {
    try {
      return await this.#frames.read()
    } catch (cause) {
      if (this.#timeout && cause instanceof ConnectionDroppedError) throw this.#timeout
      if (!(cause instanceof FrameTooLargeError)) throw cause
      throw new PluginServerError('protocol', cause.message, { cause })
    }
  }

  drop(): void {
    this.#socket.destroy()
  }
}
