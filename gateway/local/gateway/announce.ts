import type { Configuration } from './configuration.ts'
import type { Log } from './exchange.ts'
import { post_function, pre_function } from './guards.ts'

/** Says once where this gateway differs from Kong, and which routes go upstream without a guard. */
export function announce({ routes }: Configuration, log: Log): void {
  const notices = new Map<string, { readonly plugin: string; readonly notice: string }>()
  for (const entity of routes.flatMap(({ plugins }) => plugins)) {
    if (entity.kind !== 'native' || entity.notice === undefined) continue
    const { name: plugin, notice } = entity
    notices.set(`${plugin} ${notice}`, { plugin, notice })
  }
  for (const notice of notices.values()) log({ msg: 'Kong only', level: 'notice', ...notice })
  for (const { name, service, plugins } of routes) {
    const missing = [pre_function, post_function]
      .map(guard => guard.name)
      .filter(guard => service && !plugins.some(plugin => plugin.name === guard))
    if (missing.length === 0) continue
    log({ msg: 'route is proxied without guards', level: 'warn', route: name, missing })
  }
}
