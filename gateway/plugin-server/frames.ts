/** Kong's largest legitimate frame is a request body held in memory; 16 MiB is far above it. */
export const max_frame_bytes = 16 * 1024 * 1024

const header_bytes = 4

/** A frame longer than {@link max_frame_bytes}: what follows on the connection cannot be trusted. */
export class FrameTooLargeError extends Error {
  override readonly name = 'FrameTooLargeError'
  readonly length: number
  constructor(length: number) {
    super(`a frame of ${length} bytes exceeds the limit of ${max_frame_bytes}`)
    this.length = length
  }
}

/**
 * Puts each payload behind its length (4 bytes, little-endian) and all of them into one buffer, so
 * that frames which belong together leave in one write.
 * @throws FrameTooLargeError
 */
export function encodeFrames(...payloads: readonly Uint8Array[]): Buffer {
  const size = payloads.reduce((sum, payload) => sum + header_bytes + payload.length, 0)
  const frames = Buffer.allocUnsafe(size)
  let offset = 0
  for (const payload of payloads) {
    if (payload.length > max_frame_bytes) throw new FrameTooLargeError(payload.length)
    offset = frames.writeUInt32LE(payload.length, offset)
    frames.set(payload, offset)
    offset += payload.length
  }
  return frames
}

/**
 * Cuts a byte stream into frames, wherever its reads end. Chunks are joined only once the frame they
 * belong to is complete, so a frame that trickles in is copied once and not once per read.
 */
export class FrameDecoder {
  #chunks: Buffer[] = []
  #buffered = 0
  /** Payload length of the frame being received; undefined while its header is incomplete. */
  #expected: number | undefined;

  /**
   * Takes the next bytes and gives the frames they complete, in order.
   * @throws FrameTooLargeError as soon as a header announces it; the decoder is of no use afterwards.
   */
  *push(chunk: Buffer): Generator<Buffer, void, undefined> {
    if (chunk.length > 0) {
      this.#chunks.push(chunk)
      this.#buffered += chunk.length
    }
    for (;;) {
      if (this.#expected === undefined) {
        if (this.#buffered < header_bytes) return
        const length = this.#take(header_bytes).readUInt32LE(0)
        if (length > max_frame_bytes) throw new FrameTooLargeError(length)
        this.#expected = length
      }
      if (this.#buffered < this.#expected) return
      const length = this.#expected
      this.#expected = undefined
      yield this.#take(length)
    }
  }

  #take(length: number): Buffer {
    this.#buffered -= length
    const parts: Buffer[] = []
    let missing = length
    let used = 0
    while (missing > 0) {
      const chunk = this.#chunks[used]
      if (chunk === undefined) throw new Error('more bytes were taken than received')
      if (chunk.length > missing) {
        parts.push(chunk.subarray(0, missing))
        this.#chunks[used] = chunk.subarray(missing)
        break
      }
      parts.push(chunk)
      missing -= chunk.length
      used += 1
    }
    this.#chunks.splice(0, used)
    const [only] = parts
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts, length)
  }
}
