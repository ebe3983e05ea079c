import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { pdk_methods } from '../../gateway/plugin-server/pdk-methods.ts'
import type { PdkMethod } from '../../gateway/plugin-server/pdk-methods.ts'

/** A frame as recorded. `decoded` is protobuf's JSON form, made by another implementation. */
export interface RecordedFrame {
  readonly from: 'kong' | 'plugin'
  readonly hex: string
  readonly is: string
  readonly decoded: unknown
}
type Entry = RecordedFrame | { readonly event: string }
interface Recording {
  readonly connections: readonly {
    readonly connection: number
    readonly frames: readonly Entry[]
  }[]
}

/** One connection from its first call to Kong's closing it. */
export interface RecordedConnection {
  readonly name: string
  readonly frames: readonly RecordedFrame[]
}

/** A PDK call of a recorded event: what the plugin asked and what Kong replied (not to exit). */
export interface RecordedCall {
  readonly method: PdkMethod
  readonly argument: Buffer
  readonly reply: RecordedFrame | undefined
}

/** Methods that the recorded plugin called and that are no part of our PDK. */
export const left_out = ['kong.router.get_route', 'kong.router.get_service']

const text = (hex: string) => Buffer.from(hex, 'hex').toString()

/**
 * The recorded connections. Where Kong closed one in the middle of an entry, what follows is the next
 * one. Calls of methods that our PDK does not have are left out with their replies.
 */
export function readConnections(): readonly RecordedConnection[] {
  const file = join(import.meta.dirname, 'kong-3.9.3.json')
  const { connections } = JSON.parse(readFileSync(file, 'utf8')) as Recording
  return connections.flatMap(({ connection, frames }) => {
    const parts: RecordedFrame[][] = [[]]
    for (const entry of frames) {
      if ('event' in entry) parts.push([])
      else parts.at(-1)?.push(entry)
    }
    return parts
      .filter(part => part.length > 0)
      .map((part, i) => ({ name: `${connection}.${i + 1}`, frames: withoutLeftOut(part) }))
  })
}

function withoutLeftOut(frames: readonly RecordedFrame[]): readonly RecordedFrame[] {
  return frames.filter((frame, i) => {
    const around = [frame, frames[i - 1], frames[i - 2]]
    const [method] = around.filter(
      each => each?.from === 'plugin' && text(each.hex).startsWith('kong.'),
    )
    return !method || !left_out.includes(text(method.hex))
  })
}

/** The calls of each event of a connection, in order. */
export function readEvents(frames: readonly RecordedFrame[]): readonly (readonly RecordedCall[])[] {
  const events: RecordedCall[][] = []
  frames.forEach((frame, i) => {
    if (JSON.stringify(frame.decoded ?? '').includes('cmdHandleEvent')) events.push([])
    const name = text(frame.hex)
    if (frame.from !== 'plugin' || !Object.hasOwn(pdk_methods, name)) return
    const reply = name === 'kong.response.exit' ? undefined : frames[i + 2]
    const argument = Buffer.from(frames[i + 1]?.hex ?? '', 'hex')
    events.at(-1)?.push({ method: name as PdkMethod, argument, reply })
  })
  return events
}
