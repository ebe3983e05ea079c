import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import {
  encodeFrames,
  FrameDecoder,
  FrameTooLargeError,
  max_frame_bytes,
} from '../../../../gateway/plugin-server/frames.ts'

const decodeAll = (decoder: FrameDecoder, chunks: readonly Buffer[]) =>
  chunks.flatMap(chunk => [...decoder.push(chunk)].map(frame => frame.toString('hex')))

describe('frames', () => {
  it('has a little-endian length of four bytes', () => {
    expect(encodeFrames(Buffer.alloc(0x102, 1)).subarray(0, 5)).toEqual(
      Buffer.from([0x02, 0x01, 0, 0, 1]),
    )
    expect(encodeFrames(Buffer.alloc(0))).toEqual(Buffer.alloc(4))
  })

  it('are the same frames wherever the reads end', () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 })
    const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 12 })
    fc.assert(
      fc.property(payloads, cuts, (frames, offsets) => {
        const bytes = encodeFrames(...frames)
        const edges = [0, ...offsets.map(at => Math.min(at, bytes.length)), bytes.length]
        edges.sort((a, b) => a - b)
        const chunks = edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge))
        expect(decodeAll(new FrameDecoder(), chunks)).toEqual(
          frames.map(frame => Buffer.from(frame).toString('hex')),
        )
      }),
    )
  })

  it('takes the largest frame and refuses one byte more, before its bytes have come', () => {
    const header = Buffer.alloc(4)
    header.writeUInt32LE(max_frame_bytes)
    expect([...new FrameDecoder().push(header)]).toEqual([])
    header.writeUInt32LE(max_frame_bytes + 1)
    expect(() => [...new FrameDecoder().push(header)]).toThrow(FrameTooLargeError)
    expect(() => encodeFrames(Buffer.alloc(max_frame_bytes + 1))).toThrow(FrameTooLargeError)
  })

  it('yields the frames before a refused one', () => {
    const bytes = Buffer.concat([encodeFrames(Buffer.from('good')), Buffer.alloc(4, 0xff)])
    const frames: string[] = []
    expect(() => {
      for (const frame of new FrameDecoder().push(bytes)) frames.push(frame.toString())
    }).toThrow('4294967295')
    expect(frames).toEqual(['good'])
  })

  it('copies a frame that trickles in once, not once per read', () => {
    const payload = Buffer.alloc(4 * 1024 * 1024, 7)
    const bytes = encodeFrames(payload)
    const decoder = new FrameDecoder()
    const step = 64 // 65,000 reads: copying at each would move 130 GB
    const frames: Buffer[] = []
    for (let at = 0; at < bytes.length; at += step) {
      frames.push(...decoder.push(bytes.subarray(at, at + step)))
    }
    expect(frames).toHaveLength(1)
    expect(frames[0]?.equals(payload)).toBe(true)
  })
})
