import { Name, Plugin as McpOidc, Priority, Schema, Version } from '../index.ts'
import { adaptPdk, type StockKong } from './adapt-pdk.ts'

export { Name, Priority, Schema, Version }

/** The plugin as kong-pdk's stock plugin server runs it, which never tells it that it is closed. */
export class Plugin {
  readonly #plugin: McpOidc

  /** Throws ConfigurationError with every problem: Kong then answers 500, closed. */
  constructor(config: unknown) {
    this.#plugin = new McpOidc(config)
  }

  access(kong: StockKong): Promise<void> {
    return this.#plugin.access(adaptPdk(kong))
  }
}
