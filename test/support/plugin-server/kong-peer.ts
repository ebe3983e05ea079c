import { duplexPair } from 'node:stream'
import type { Duplex } from 'node:stream'

import { ConnectionDroppedError, FrameStream } from '../../../gateway/plugin-server/frame-stream.ts'
import { Instances } from '../../../gateway/plugin-server/instances.ts'
import { instanceIds, ownLifecycle } from '../../../gateway/plugin-server/lifecycle.ts'
import { createServerMetrics } from '../../../gateway/plugin-server/metrics.ts'
import { pdk_methods } from '../../../gateway/plugin-server/pdk-methods.ts'
import type { Exit } from '../../../gateway/plugin-server/pdk-methods.ts'
import type { PluginModule } from '../../../gateway/plugin-server/plugin.ts'
import { rpc_call, rpc_return } from '../../../gateway/plugin-server/rpc.ts'
import type { RpcCall, RpcReturn } from '../../../gateway/plugin-server/rpc.ts'
import { serveConnection } from '../../../gateway/plugin-server/serve-connection.ts'
import { memoryLog } from './memory-log.ts'

/** Kong's end of a connection, frame by frame, so that a test can misbehave as it likes. */
export class KongPeer {
  readonly stream: Duplex
  readonly frames: FrameStream
  constructor(stream: Duplex) {
    this.stream = stream
    this.frames = new FrameStream(stream)
  }

  send(call: RpcCall): void {
    this.frames.send(rpc_call.encode(call))
  }

  startEvent(instance_id: number, sequence = 7, event_name = 'access'): void {
    this.send({ sequence, cmd_handle_event: { instance_id, event_name } })
  }

  async readReturn(): Promise<RpcReturn> {
    return rpc_return.decode(await this.frames.read())
  }

  async readText(): Promise<string> {
    return (await this.frames.read()).toString()
  }

  /** The method and the argument of the next PDK call. */
  async readCall(): Promise<readonly [string, Buffer]> {
    return [await this.readText(), await this.frames.read()]
  }

  /** Reads the next two frames, which must be an exit. */
  async readExit(): Promise<Exit> {
    const [method, argument] = await this.readCall()
    if (method !== 'kong.response.exit') throw new Error(`${method || 'nothing'} instead of exit`)
    return pdk_methods['kong.response.exit'].argument.decode(argument)
  }

  /** Resolves to the frames that still come until the server closes the connection. */
  async readToEnd(): Promise<Buffer[]> {
    const rest: Buffer[] = []
    for (;;) {
      try {
        rest.push(await this.frames.read())
      } catch (error) {
        if (error instanceof ConnectionDroppedError) return rest
        throw error
      }
    }
  }
}

/** A connection handler in this process, with one end of an in-memory connection in our hands. */
export function connectInMemory(module: PluginModule, { drain_ms = 1_000 } = {}) {
  const { log, lines } = memoryLog()
  const instances = new Instances({ module, log, drain_ms })
  const lifecycle = ownLifecycle(instances, instanceIds(1), () => 0)
  const metrics = createServerMetrics()
  const connect = () => {
    const [ours, theirs] = duplexPair()
    serveConnection(theirs, {
      ...{ module, instances, lifecycle, log, metrics },
      ending: () => false,
    })
    return new KongPeer(ours)
  }
  return { instances, lines, connect, peer: connect() }
}
