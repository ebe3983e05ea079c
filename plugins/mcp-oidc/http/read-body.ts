import { open } from 'node:fs/promises'
import type { RawBody } from '../../../gateway/plugin-server/pdk.ts'

/** The first `most` bytes of a request's body, which nginx may have put into a file. */
export async function readBody(body: RawBody, most: number): Promise<Buffer> {
  if ('content' in body) return Buffer.from(body.content.subarray(0, most))
  const file = await open(body.body_filepath)
  try {
    const buffer = Buffer.alloc(most)
    let length = 0
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length)
      length += bytesRead
      if (bytesRead === 0 || length === buffer.length) return buffer.subarray(0, length)
    }
  } finally {
    await file.close()
  }
}
