import { Channel } from './channel.ts'
import { PluginServerError } from './errors.ts'

/** Idle connections to the plugin server, kept for the next call as Kong keeps them. */
export class ChannelPool {
  readonly #path: string
  readonly #read_timeout_ms: number
  readonly #open = new Set<Channel>()
  readonly #idle: Channel[] = []
  #closed = false

  constructor(path: string, read_timeout_ms: number) {
    this.#path = path
    this.#read_timeout_ms = read_timeout_ms
  }

  /** @throws PluginServerError `unreachable` */
  async acquire(): Promise<Channel> {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.open) return idle
    }
    const channel: Channel = await Channel.open(this.#path, this.#read_timeout_ms, () => {
      this.#open.delete(channel)
      const index = this.#idle.indexOf(channel)
      if (index >= 0) this.#idle.splice(index, 1)
    })
    if (this.#closed) {
      channel.drop()
      throw new PluginServerError('unreachable', 'the client of the plugin server is closed')
    }
    this.#open.add(channel)
    return channel
  }

  /** Only after a call that ended in order: whatever else happened, drop the channel instead. */
  release(channel: Channel): void {
    if (channel.open && !this.#closed) this.#idle.push(channel)
    else channel.drop()
  }

  close(): void {
    this.#closed = true
    for (const channel of this.#open) channel.drop()
  }
}
