import type { Instance, LogEvent } from '../../../../../gateway/local/gateway/exchange.ts'
import { createKongMetrics } from '../../../../../gateway/local/gateway/kong-metrics.ts'
import type { NativePlugin, Parts } from '../../../../../gateway/local/gateway/native-plugin.ts'
import type { Problem } from '../../../../../gateway/local/gateway/plugin-config.ts'
import { createMemoryCounters } from '../../../../../gateway/local/gateway/rate-limit-counters.ts'

/** What a plugin shares with others, each part replaceable, and what it logged. */
export function parts(given: Partial<Parts> = {}): Parts & { readonly events: LogEvent[] } {
  const events: LogEvent[] = []
  return {
    log: event => void events.push(event),
    now: () => Date.UTC(2026, 0, 31, 23, 59, 30),
    counters: createMemoryCounters(),
    metrics: createKongMetrics('node'),
    print: () => undefined,
    ...given,
    events,
  }
}

/** Starts a plugin for route `a`; throws when its configuration is refused. */
export function startPlugin(plugin: NativePlugin, config: object, given = parts()): Instance {
  const read = plugin.read(config, {})
  if ('problems' in read) throw new TypeError(JSON.stringify(read.problems))
  return read.start(given, 'route:a')
}

/** What is wrong with a configuration: `field: message`. */
export function problemsOf(plugin: NativePlugin, config: object, environment = {}): string[] {
  const read = plugin.read(config, environment)
  const problems: readonly Problem[] = 'problems' in read ? read.problems : []
  return problems.map(({ message, path }) => `${path.slice(1).join('.')}: ${message}`)
}
