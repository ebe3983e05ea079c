import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import type { RawBody } from '../../plugin-server/pdk.ts'

/** nginx's default `client_body_buffer_size`, bytes: a longer body is handed over as a file. */
const BUFFER_SIZE = 8192

/** The body is longer than the gateway takes. The client gets 413. */
export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError'
}

/** A request's body: read when somebody asks, and as a whole, as Kong does with `request_buffering`. */
export class RequestBody {
  readonly #request: IncomingMessage
  readonly #max_bytes: number
  readonly #folder: string
  #content: Promise<Buffer> | undefined
  #file: Promise<string> | undefined

  /** `folder`: private, for bodies that do not fit the buffer. */
  constructor(request: IncomingMessage, max_bytes: number, folder: string) {
    this.#request = request
    this.#max_bytes = max_bytes
    this.#folder = folder
  }

  /** Whether it is too long by its own account. */
  get announced_too_long(): boolean {
    return Number(this.#request.headers['content-length'] ?? 0) > this.#max_bytes
  }

  /** Throws BodyTooLargeError; rejects when the client goes away. */
  read(): Promise<Buffer> {
    this.#content ??= collect(this.#request, this.#max_bytes)
    return this.#content
  }

  /** What `kong.request.get_raw_body` gives a plugin server. The file lives until `discard()`. */
  async raw(): Promise<RawBody> {
    const content = await this.read()
    if (content.length <= BUFFER_SIZE) return { content }
    this.#file ??= this.#store(content)
    return { body_filepath: await this.#file }
  }

  async discard(): Promise<void> {
    if (this.#file) await rm(await this.#file, { force: true })
  }

  async #store(content: Buffer): Promise<string> {
    const path = join(this.#folder, randomUUID())
    await writeFile(path, content, { mode: 0o600, flag: 'wx' })
    return path
  }
}

async function collect(request: IncomingMessage, max_bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  // Left undestroyed, so that a refusal can still be answered.
  const stream = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
  for await (const chunk of stream) {
    length += chunk.length
    if (length > max_bytes) throw new BodyTooLargeError(`more than ${max_bytes} bytes sent`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
