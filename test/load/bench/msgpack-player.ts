import { createRequire } from 'node:module'
import type { Player } from './play.ts'

/** The codec that kong-pdk itself brings. */
interface MsgPack {
  readonly encode: (value: unknown) => Uint8Array
  readonly decode: (bytes: Uint8Array) => unknown
}
const kong_pdk = createRequire(createRequire(import.meta.filename).resolve('kong-pdk/server.js'))
const { encode, decode } = kong_pdk('@msgpack/msgpack') as MsgPack

const nothing = new Uint8Array()

/** Kong over kong-pdk's MsgPack protocol, for the same event as `protobufPlayer`. */
export function msgpackPlayer(instance: number, header: () => string): () => Player {
  const call = (method: string, argument: object) => encode([0, 1, `plugin.${method}`, [argument]])
  const event = call('HandleEvent', { InstanceId: instance, EventName: 'access' })
  return () => {
    let pending: Buffer = Buffer.alloc(0)
    return {
      begin: () => event,
      take(chunk) {
        pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
        let message: readonly unknown[]
        try {
          message = decode(pending) as readonly unknown[]
        } catch (error) {
          if (error instanceof RangeError) return { answers: nothing, over: false } // more must come
          throw error
        }
        pending = Buffer.alloc(0)
        const [, , error, result] = message
        if (error !== null) throw new Error(JSON.stringify(error))
        const { EventId, Data } = result as {
          readonly EventId: number
          readonly Data: 'ret' | { readonly Method: string }
        }
        if (Data === 'ret') return { answers: nothing, over: true }
        const answer = (data: unknown) => ({
          answers: call('Step', { EventId, Data: data }),
          over: false,
        })
        if (Data.Method === 'kong.request.get_header') return answer(header())
        if (Data.Method === 'kong.service.request.set_headers') return answer(null)
        throw new Error(`${Data.Method} was called`)
      },
    }
  }
}
