import { randomUUID } from 'node:crypto'
import type { PluginServerClient } from '../kong-side/client.ts'
import type { Route } from './configuration.ts'
import type { Log, Phases } from './exchange.ts'
import { externalPhases } from './external-phases.ts'
import { post_function, pre_function } from './guards.ts'
import type { PluginEntity } from './plugin-entity.ts'

/**
 * The phases of every route's plugins in the order they run. One entity of the configuration is one
 * instance of its plugin, however many routes it serves. Without `enforce_guards` the equivalent of
 * the `post-function` snippet is left out.
 */
export function preparePhases(
  routes: readonly Route[],
  client: PluginServerClient,
  { enforce_guards }: { readonly enforce_guards: boolean },
): ReadonlyMap<Route, readonly Phases[]> {
  const node_id = randomUUID()
  const prepared = new Map<PluginEntity, Phases>()
  const prepare = (entity: PluginEntity): Phases => {
    const phases =
      prepared.get(entity) ??
      (entity.kind === 'native' ? entity.phases : externalPhases(entity, client, node_id))
    prepared.set(entity, phases)
    return phases
  }
  const runs = ({ name }: PluginEntity) => enforce_guards || name !== post_function.name
  return new Map(routes.map(route => [route, route.plugins.filter(runs).map(prepare)]))
}

/** Says once where this gateway differs from Kong, and which routes go upstream without a guard. */
export function announce(routes: readonly Route[], log: Log): void {
  const notices = new Map(routes.flatMap(({ plugins }) => plugins.flatMap(noticeOf)))
  for (const [plugin, notice] of notices) log({ msg: 'Kong only', level: 'notice', plugin, notice })
  for (const { name, service, plugins } of routes) {
    const missing = [pre_function, post_function]
      .map(guard => guard.name)
      .filter(guard => service && !plugins.some(plugin => plugin.name === guard))
    if (missing.length === 0) continue
    log({ msg: 'route is proxied without guards', level: 'warn', route: name, missing })
  }
}

function noticeOf(entity: PluginEntity): [string, string][] {
  return entity.kind === 'native' && entity.notice !== undefined
    ? [[entity.name, entity.notice]]
    : []
}
