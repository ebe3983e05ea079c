import type { Pdk } from '../../gateway/plugin-server/pdk.ts'
import { serveAuthorization } from './authorization/serve-authorization.ts'
import { parseConfig } from './config/settings.ts'
import { serveInspected } from './door/serve-inspected.ts'
import { serveResource, serveTraced } from './door/serve-resource.ts'
import { failClosed } from './fail-closed.ts'
import { kongFields } from './kong-schema.ts'
import { createLog } from './log.ts'
import { createMetrics, type RequestOutcome } from './metrics.ts'
import { createRuntime } from './runtime.ts'
import { fields } from './schema.ts'
import { type Lease, shareRuntimes } from './shared-runtimes.ts'
import { untraced } from './tracing/tracer.ts'

export const Name = 'mcp-oidc'
export const Version = '0.1.0'
/** Before Kong's own rate limits by user and org, after those by IP. */
export const Priority = 1050
export const Schema = kongFields(fields)

const log = createLog(Name)
const metrics = createMetrics()
/** Served by the plugin server beside its own. */
export const Metrics = metrics.registry
const lease = shareRuntimes(({ settings }) =>
  createRuntime(settings, log, () => Date.now(), metrics),
)

export class Plugin {
  readonly #lease: Lease
  readonly #serve: (kong: Pdk) => Promise<void>
  readonly #failed: () => void

  /** Throws ConfigurationError with every problem: Kong then answers 500, closed. */
  constructor(config: unknown) {
    const parsed = parseConfig(config)
    this.#lease = lease(parsed)
    const { runtime } = this.#lease
    const { settings } = parsed
    const { tool_rules: rules } = settings
    const { door, audit, tracer } = runtime
    const serve = (kong: Pdk) => {
      if (rules) return serveInspected(kong, door, { settings, rules, audit, log, metrics, tracer })
      const parts = { audit, log }
      return tracer === untraced
        ? serveResource(kong, door, parts)
        : serveTraced(kong, door, { ...parts, tracer })
    }
    this.#serve =
      parsed.serve === 'resource'
        ? kong => (runtime.isReady() ? serve(kong) : runtime.ready().then(() => serve(kong)))
        : async kong => {
            const status = await serveAuthorization(kong, runtime.answer, tracer)
            metrics.request('authorization', authorizationOutcome(status))
          }
    this.#failed = () => metrics.request(parsed.serve, 'error')
  }

  access(kong: Pdk): Promise<void> {
    return failClosed(kong, log, this.#serve, this.#failed)
  }

  ready(): Promise<void> {
    return this.#lease.runtime.answers()
  }

  close(): Promise<void> {
    return this.#lease.release()
  }
}

function authorizationOutcome(status: number): RequestOutcome {
  if (status >= 500) return 'error'
  return status >= 400 ? 'refused' : 'answered'
}
