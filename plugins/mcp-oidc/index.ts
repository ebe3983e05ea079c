import type { Pdk } from '../../gateway/plugin-server/pdk.ts'
import { serveAuthorization } from './authorization/serve-authorization.ts'
import { parseConfig } from './config/settings.ts'
import { serveResource } from './door/serve-resource.ts'
import { failClosed } from './fail-closed.ts'
import { kongFields } from './kong-schema.ts'
import { createLog } from './log.ts'
import { createRuntime } from './runtime.ts'
import { fields } from './schema.ts'
import { type Lease, shareRuntimes } from './shared-runtimes.ts'

export const Name = 'mcp-oidc'
export const Version = '0.1.0'
/** Before Kong's own rate limits by user and org, after those by IP. */
export const Priority = 1050
export const Schema = kongFields(fields)

const log = createLog(Name)
const lease = shareRuntimes(({ settings }) => createRuntime(settings, log, () => Date.now()))

export class Plugin {
  readonly #lease: Lease
  readonly #serve: (kong: Pdk) => Promise<void>

  /** Throws ConfigurationError with every problem: Kong then answers 500, closed. */
  constructor(config: unknown) {
    const parsed = parseConfig(config)
    this.#lease = lease(parsed)
    const { runtime } = this.#lease
    this.#serve =
      parsed.serve === 'resource'
        ? kong => serveResource(kong, runtime.door, log)
        : kong => serveAuthorization(kong, runtime.app)
  }

  access(kong: Pdk): Promise<void> {
    return failClosed(kong, log, async () => {
      await this.#lease.runtime.ready()
      await this.#serve(kong)
    })
  }

  close(): Promise<void> {
    return this.#lease.release()
  }
}
