import { encodeFrames } from '../../../gateway/plugin-server/frames.ts'
import { pdk_methods } from '../../../gateway/plugin-server/pdk-methods.ts'
import { rpc_call } from '../../../gateway/plugin-server/rpc.ts'
import type { Player } from './play.ts'

const get_header = 'kong.request.get_header'
const set_headers = 'kong.service.request.set_headers'
const nothing = Buffer.alloc(0)

/**
 * Kong over `ProtoBuf:1`, for an event of which it is known what comes: the header is asked for, headers
 * are set, the event ends. `header` gives the Authorization header of the next request.
 */
export function protobufPlayer(instance_id: number, header: () => string): () => Player {
  const event = encodeFrames(
    rpc_call.encode({ sequence: 1, cmd_handle_event: { instance_id, event_name: 'access' } }),
  )
  const done = encodeFrames(nothing)
  return () => {
    let pending: Buffer = Buffer.alloc(0)
    let frames = 0
    /** The next frame of what has come; undefined while it is not complete. */
    const frame = (): Buffer | undefined => {
      if (pending.length < 4) return undefined
      const length = pending.readUInt32LE(0)
      if (pending.length < 4 + length) return undefined
      const payload = pending.subarray(4, 4 + length)
      pending = pending.subarray(4 + length)
      return payload
    }
    const expect = (payload: Buffer, text: string) => {
      if (payload.toString('latin1') !== text)
        throw new Error(`${payload.toString()} came instead of ${text || 'the end'}`)
    }
    return {
      begin: () => event,
      take(chunk) {
        pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
        let answers: Buffer = nothing
        for (let payload = frame(); payload; payload = frame()) {
          frames += 1
          if (frames === 1) expect(payload, get_header)
          if (frames === 2) answers = encodeFrames(pdk_methods[get_header].reply.encode(header()))
          if (frames === 3) expect(payload, set_headers)
          if (frames === 4) answers = done
          if (frames === 5) expect(payload, '')
          if (frames === 6) {
            frames = 0
            return { answers, over: true }
          }
        }
        return { answers, over: false }
      },
    }
  }
}
