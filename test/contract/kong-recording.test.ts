import { once } from 'node:events'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'

import { describe, expect, it } from '@jest/globals'

import { encodeFrames } from '../../gateway/plugin-server/frames.ts'
import { pdk_methods } from '../../gateway/plugin-server/pdk-methods.ts'
import type { PluginModule } from '../../gateway/plugin-server/plugin.ts'
import { startPluginServer } from '../../gateway/plugin-server/server.ts'
import { connectInMemory, KongPeer } from '../support/plugin-server/kong-peer.ts'
import { memoryLog } from '../support/plugin-server/memory-log.ts'
import { pluginModule } from '../support/plugin-server/plugin-module.ts'
import { temporaryDirectory } from '../support/plugin-server/temporary-directory.ts'
import { decodeOurs, expectedResult, makeCall } from './recorded-plugin.ts'
import { left_out, readConnections, readEvents } from './recording.ts'
import type { RecordedConnection, RecordedFrame } from './recording.ts'

/** How the bytes of one of Kong's frames are handed to the connection. */
type Write = (stream: Duplex, frame: Buffer) => void

const connections = readConnections()
const longest = Math.max(
  ...connections.flatMap(({ frames }) =>
    frames.filter(({ from }) => from === 'kong').map(({ hex }) => hex.length / 2 + 4),
  ),
)

/** A plugin that makes the recorded calls of each event and keeps what it got. */
function recordedPlugin({ frames }: RecordedConnection) {
  const events = [...readEvents(frames)]
  const got: unknown[] = []
  const module = pluginModule(async kong => {
    for (const call of events.shift() ?? []) got.push(await makeCall(kong, call))
  })
  const expected = events.flat().map(expectedResult)
  return { module, got, expected }
}

/** Reads our frames and expects each to mean what was recorded. */
function compare(peer: KongPeer) {
  let method = ''
  return async ({ hex }: RecordedFrame) => {
    const ours = await peer.frames.read()
    const recorded = Buffer.from(hex, 'hex')
    expect(decodeOurs(ours, method)).toEqual(decodeOurs(recorded, method))
    method = Object.hasOwn(pdk_methods, recorded.toString()) ? recorded.toString() : ''
  }
}

/** Plays Kong's part frame by frame. */
async function replay({ frames }: RecordedConnection, peer: KongPeer, write: Write): Promise<void> {
  const expectOurs = compare(peer)
  for (const frame of frames) {
    if (frame.from === 'plugin') await expectOurs(frame)
    else write(peer.stream, encodeFrames(Buffer.from(frame.hex, 'hex')))
  }
  peer.stream.end()
  expect(await peer.readToEnd()).toEqual([])
}

function open(connection: RecordedConnection, module: PluginModule): KongPeer {
  const { instances, peer } = connectInMemory(module)
  // Otherwise its instance was started on another connection.
  if (!startsAnew(connection)) instances.open({ id: 1, name: 'pbtest', config: '{}' })
  return peer
}

/** Read from the bytes: the recording's labels are off right after Kong closed a connection. */
function startsAnew({ frames }: RecordedConnection): boolean {
  return frames[0]?.hex.startsWith('8a02') === true
}

async function replayInMemory(connection: RecordedConnection, write: Write): Promise<void> {
  const { module, got, expected } = recordedPlugin(connection)
  await replay(connection, open(connection, module), write)
  expect(got).toEqual(expected)
}

describe.each(connections)('connection $name of a recorded Kong 3.9.3', connection => {
  it('is answered as recorded over a Unix socket, length and body apart', async () => {
    await using directory = await temporaryDirectory()
    const socket = join(directory.path, 's.sock')
    const { module, got, expected } = recordedPlugin(connection)
    const { log } = memoryLog()
    const options = { socket, module, log, now: () => 0, first_instance_id: 1 }
    const server = await startPluginServer(options)
    await using stack = new AsyncDisposableStack()
    stack.defer(() => server.close())
    if (!startsAnew(connection)) await startInstance(socket)
    const stream = createConnection({ path: socket })
    await once(stream, 'connect')
    await replay(connection, new KongPeer(stream), (to, frame) => {
      to.write(frame.subarray(0, 4))
      to.write(frame.subarray(4))
    })
    expect(got).toEqual(expected)
  })

  it('is answered as recorded however each frame is split', async () => {
    for (let at = 1; at < longest; at += 1) {
      await replayInMemory(connection, (stream, frame) => {
        stream.write(frame.subarray(0, at))
        if (at < frame.length) stream.write(frame.subarray(at))
      })
    }
  })

  it('is answered as recorded when it comes byte by byte', async () => {
    await replayInMemory(connection, (stream, frame) => {
      for (const byte of frame) stream.write(Buffer.of(byte))
    })
  })

  it('is answered as recorded when everything comes at once', async () => {
    const { module, got, expected } = recordedPlugin(connection)
    const peer = open(connection, module)
    const kong = connection.frames.filter(({ from }) => from === 'kong')
    peer.stream.write(encodeFrames(...kong.map(({ hex }) => Buffer.from(hex, 'hex'))))
    const ours = connection.frames.filter(({ from }) => from === 'plugin')
    const expectOurs = compare(peer)
    for (const frame of ours) await expectOurs(frame)
    peer.stream.end()
    expect(await peer.readToEnd()).toEqual([])
    expect(got).toEqual(expected)
  })
})

it('the recording holds four connections, and calls of most PDK methods', () => {
  expect(connections.map(({ name }) => name)).toEqual(['1.1', '1.2', '2.1', '3.1'])
  const calls = connections.flatMap(({ frames }) => readEvents(frames).flat())
  expect(new Set(calls.map(({ method }) => method)).size).toBe(25)
  const text = JSON.stringify(connections)
  for (const method of left_out) expect(text).not.toContain(Buffer.from(method).toString('hex'))
})

async function startInstance(socket: string): Promise<void> {
  const stream = createConnection({ path: socket })
  const peer = new KongPeer(stream)
  peer.send({ sequence: 1, cmd_start_instance: { name: 'pbtest', config: Buffer.from('{}') } })
  expect((await peer.readReturn()).instance_status?.instance_id).toBe(1)
  stream.destroy()
}
