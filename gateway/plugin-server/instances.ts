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

/** An instance as it is to be started, in every process that serves the plugin. */
export interface InstanceStart {
  readonly id: number
  /** Seconds since 1970; without it nothing is said about when an instance was started. */
  readonly started_at?: number | undefined
  readonly name: string
  /** JSON, as Kong sends it. */
  readonly config: string
}

export interface InstancesOptions {
  readonly module: PluginModule
  readonly log: Logger
  /** How long a closing instance waits for its events, in milliseconds. */
  readonly drain_ms: number
}

const json = { 'content-type': 'application/json', 'cache-control': 'no-store' }
const misconfigured = JSON.stringify({
  error: 'server_error',
  error_description: 'The gateway is not configured correctly. Its log says what is wrong.',
})

const refusing: PluginInstance = {
  access: kong => kong.response.exit(500, misconfigured, json),
}

/** The configured plugin entities, by the id that Kong names them with. */
export class Instances {
  readonly #options: InstancesOptions
  readonly #running = new Map<number, RunningInstance>()

  constructor(options: InstancesOptions) {
    this.#options = options
  }

  /**
   * Starts an instance. A configuration that is refused still gives one, which answers every request
   * with a 500: Kong 3.9.3 has no better way to hear of it. An answer without an instance makes its
   * Lua fail before it gives up its claim on the instance, and then the following requests hang for
   * ten seconds each.
   * @returns what is wrong with the configuration, a problem a line; empty when it is used
   */
  open(start: InstanceStart): string {
    try {
      this.#run(start, this.#construct(start), true)
      return ''
    } catch (err) {
      this.#run(start, refusing, false)
      return describeError(err).message
    }
  }

  #construct({ name, config }: InstanceStart): PluginInstance {
    const { module } = this.#options
    if (name !== module.Name) throw new Error(`there is no plugin ${name}, only ${module.Name}`)
    return new module.Plugin(JSON.parse(config))
  }

  #run({ id, started_at }: InstanceStart, plugin: PluginInstance, configured: boolean): void {
    const log = this.#options.log.child({ instance_id: id })
    this.#running.set(id, { id, plugin, configured, started_at, log, events: new Set() })
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
