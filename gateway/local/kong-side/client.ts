import type { RpcCall } from '../../plugin-server/rpc.ts'
import { callOnce, converse } from './calls.ts'
import type { EventOutcome } from './calls.ts'
import type { Channel } from './channel.ts'
import { ChannelPool } from './channel-pool.ts'
import { ConnectionDroppedError } from '../../plugin-server/frame-stream.ts'
import { PluginServerError } from './errors.ts'
import type { PdkHost } from './pdk-host.ts'

export type { EventOutcome } from './calls.ts'
export { PluginServerError } from './errors.ts'
export type { PdkHost } from './pdk-host.ts'

/** Kong's side of the plugin protocol. Every method rejects with a {@link PluginServerError}. */
export interface PluginServerClient {
  /**
   * Starts an instance of a plugin and gives an id for it that stays good when the plugin server is
   * restarted. Rejects with `start_failed` when the plugin server refuses the configuration.
   */
  startInstance(name: string, config: unknown): Promise<number>
  closeInstance(id: number): Promise<void>
  /**
   * Runs one phase of an instance. A connection closed in the middle of it means, as in Kong, that
   * the instance is not known there: it is started again and the phase run again. Kong does so
   * without limit; here it is given up after three attempts with `unknown_instance`.
   * What `pdk` itself throws passes through.
   */
  handleEvent(instance_id: number, event_name: string, pdk: PdkHost): Promise<EventOutcome>
  close(): void
}

interface Instance {
  readonly name: string
  readonly config: unknown
  /** The plugin server's own id; undefined until it is started (again). */
  server_id: Promise<number> | undefined
}

const attempts = 3

/** `read_timeout_ms`: how long the plugin server may be silent within a call; Kong's 60 s by default. */
export function connectPluginServer(
  socket: string,
  { read_timeout_ms = 60_000 }: { readonly read_timeout_ms?: number } = {},
): PluginServerClient {
  const pool = new ChannelPool(socket, read_timeout_ms)
  const instances = new Map<number, Instance>()
  let last_id = 0
  let last_sequence = 0

  /** Gives a channel back only after a call that ended in order. */
  async function using<T>(
    run: (channel: Channel, sequence: number) => Promise<T>,
    reusable: (result: T) => boolean,
  ): Promise<T> {
    const channel = await pool.acquire()
    try {
      last_sequence += 1
      const result = await run(channel, last_sequence)
      if (reusable(result)) pool.release(channel)
      else channel.drop()
      return result
    } catch (error) {
      channel.drop()
      throw error
    }
  }

  const callWith = (command: Omit<RpcCall, 'sequence'>) =>
    using(
      (channel, sequence) => callOnce(channel, { sequence, ...command }),
      () => true,
    )

  async function start(name: string, config: unknown): Promise<number> {
    const encoded = Buffer.from(JSON.stringify(config))
    const call = () => callWith({ cmd_start_instance: { name, config: encoded } })
    try {
      // An idle connection may have ended with a former plugin server: then another one is asked.
      const answer = await call().catch((error: unknown) => {
        if (error instanceof ConnectionDroppedError) return call()
        throw error
      })
      if (answer.instance_status) return answer.instance_status.instance_id
    } catch (cause) {
      if (!(cause instanceof ConnectionDroppedError)) throw cause
      throw new PluginServerError('start_failed', `${name}: ${cause.message}`, { cause })
    }
    const text = `the plugin server did not start ${name}: its log says why`
    throw new PluginServerError('start_failed', text)
  }

  function find(id: number): Instance {
    const instance = instances.get(id)
    if (instance) return instance
    throw new PluginServerError('unknown_instance', `there is no plugin instance ${id}`)
  }

  /** Several events may find an instance lost at once: one of them starts it again for all. */
  function serverId(instance: Instance): Promise<number> {
    if (instance.server_id) return instance.server_id
    const starting = start(instance.name, instance.config)
    instance.server_id = starting
    starting.catch(() => forget(instance, starting)) // the next event tries again
    return starting
  }

  function forget(instance: Instance, lost: Promise<number>): void {
    if (instance.server_id === lost) instance.server_id = undefined
  }

  return {
    async startInstance(name, config) {
      const instance: Instance = { name, config, server_id: undefined }
      await serverId(instance)
      last_id += 1
      instances.set(last_id, instance)
      return last_id
    },

    async closeInstance(id) {
      const { server_id } = find(id)
      instances.delete(id)
      if (!server_id) return
      try {
        await callWith({ cmd_close_instance: { instance_id: await server_id } })
      } catch (error) {
        // It ended with the plugin server that ran it.
        if (!(error instanceof ConnectionDroppedError)) throw error
      }
    },

    async handleEvent(id, event_name, pdk) {
      const instance = find(id)
      for (let attempt = 1; ; attempt += 1) {
        const server_id = serverId(instance)
        const instance_id = await server_id
        try {
          return await using(
            (channel, sequence) =>
              converse(channel, { sequence, cmd_handle_event: { instance_id, event_name } }, pdk),
            outcome => outcome.kind === 'continue',
          )
        } catch (cause) {
          if (!(cause instanceof ConnectionDroppedError)) throw cause
          forget(instance, server_id)
          if (attempt < attempts) continue
          const text = `the plugin server closed the connection ${attempts} times in a row`
          throw new PluginServerError('unknown_instance', text, { cause })
        }
      }
    },

    close: () => pool.close(),
  }
}
