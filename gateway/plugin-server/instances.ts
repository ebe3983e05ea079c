import { setTimeout as delay } from 'node:timers/promises'

import type { Logger } from 'pino'

import { describeError } from './describe-error.ts'
import type { PluginInstance, PluginModule } from './plugin.ts'
import type { InstanceStatus } from './rpc.ts'

/** An instance and the events it is running. */
export interface RunningInstance {
  readonly id: number
  readonly plugin: PluginInstance
  /** False for what stands in the place of a configuration that was refused. */
  readonly configured: boolean
  readonly started_at: number | undefined
  readonly log: Logger
  /** Settle as soon as an event no longer concerns Kong. */
  readonly events: Set<Promise<unknown>>
}

export interface InstancesOptions {
  readonly module: PluginModule
  readonly log: Logger
  /**
   * The id of the first instance. Kong keeps ids over a restart of this server, so two processes must
   * not give the same ones: an id of the former would then silently mean another configuration.
   */
  readonly first_id: number
  /** How long a closing instance waits for its events, in milliseconds. */
  readonly drain_ms: number
  /** Milliseconds since 1970; without it nothing is said about when an instance was started. */
  readonly now?: (() => number) | undefined
}

const json = { 'content-type': 'application/json', 'cache-control': 'no-store' }
const misconfigured = JSON.stringify({
  error: 'server_error',
  error_description: 'The gateway is not configured correctly. Its log says what is wrong.',
})

/** The configured plugin entities, by the id that Kong names them with. */
export class Instances {
  readonly #options: InstancesOptions
  readonly #running = new Map<number, RunningInstance>()
  #next_id: number

  constructor(options: InstancesOptions) {
    this.#options = options
    this.#next_id = options.first_id
  }

  /**
   * @param config JSON, as Kong sends it
   * @throws what the plugin's constructor throws, a SyntaxError for what is no JSON
   */
  start(name: string, config: Uint8Array): RunningInstance {
    const { module } = this.#options
    if (name !== module.Name) throw new Error(`there is no plugin ${name}, only ${module.Name}`)
    return this.#run(new module.Plugin(JSON.parse(Buffer.from(config).toString())), true)
  }

  /**
   * Stands for a configuration that was refused: every event ends in a 500. Kong 3.9.3 has no better
   * way to hear of it. An answer without an instance makes its Lua fail before it gives up its claim
   * on the instance, and then the following requests hang for ten seconds each.
   */
  startRefusing(): RunningInstance {
    return this.#run({ access: kong => kong.response.exit(500, misconfigured, json) }, false)
  }

  #run(plugin: PluginInstance, configured: boolean): RunningInstance {
    const { now, log } = this.#options
    const id = this.#next_id
    this.#next_id = id === 0x7fff_ffff ? 1 : id + 1
    const started_at = now && Math.floor(now() / 1000)
    const instance: RunningInstance = {
      id,
      plugin,
      configured,
      started_at,
      log: log.child({ instance_id: id }),
      events: new Set(),
    }
    this.#running.set(id, instance)
    return instance
  }

  running(): readonly RunningInstance[] {
    return [...this.#running.values()]
  }

  find(id: number): RunningInstance | undefined {
    return this.#running.get(id)
  }

  /** Nothing of the configuration: it holds secrets, and Kong has it. */
  status({ id, started_at }: RunningInstance): InstanceStatus {
    const status = { name: this.#options.module.Name, instance_id: id }
    return started_at === undefined ? status : { ...status, started_at }
  }

  /** Lets the instance's events finish, then closes it. New events no longer find it. Never rejects. */
  async close(instance: RunningInstance): Promise<void> {
    if (!this.#running.delete(instance.id)) return
    const { log, drain_ms } = this.#options
    const { id: instance_id, plugin, events } = instance
    try {
      await within(drain_ms, Promise.all(events))
      const closed = await within(drain_ms, plugin.close?.() ?? Promise.resolve())
      if (!closed) log.error({ instance_id }, 'a plugin instance did not close in time')
    } catch (err) {
      log.error({ error: describeError(err), instance_id }, 'closing a plugin instance failed')
    }
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#running.values()].map(instance => this.close(instance)))
  }
}

/** Whether the work was done in time. */
async function within(milliseconds: number, work: Promise<unknown>): Promise<boolean> {
  const late = new AbortController()
  try {
    const timer = delay(milliseconds, false, { signal: late.signal })
    timer.catch(() => undefined) // it was called off
    return await Promise.race([work.then(() => true), timer])
  } finally {
    late.abort()
  }
}
