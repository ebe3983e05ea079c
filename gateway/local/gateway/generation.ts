import type { Configuration, Route } from './configuration.ts'
import type { Instance, Phases } from './exchange.ts'
import { post_function } from './guards.ts'
import type { Instances } from './instances.ts'
import type { PluginEntity } from './plugin-entity.ts'
import { createRouter } from './router.ts'
import type { Match, Router } from './router.ts'

/** One configuration at work, from when it is loaded until its last request is over. */
export interface Generation {
  readonly router: Router
  /** The phases that run for a request, in their order. */
  phases(match: Match | undefined): readonly Phases[]
  /** Holds the plugins for one request; gives what lets go of them again. */
  enter(): () => void
  /** What keeps its plugins from working, of those that the configuration before did not have. */
  problems(): Promise<readonly string[]>
  /** No further request: gives the plugins back after the last one. */
  retire(): Promise<void>
}

/** Without `enforce_guards` the equivalent of the `post-function` snippet is left out. */
export function createGeneration(
  { plugins, routes }: Configuration,
  instances: Instances,
  { enforce_guards }: { readonly enforce_guards: boolean },
): Generation {
  const runs = ({ name }: PluginEntity) => enforce_guards || name !== post_function.name
  const started = new Map<string, { readonly entity: PluginEntity; readonly instance: Instance }>()
  const start = (entity: PluginEntity): Instance => {
    // A configuration has a plugin once in each place, however many routes it serves.
    const place = `${entity.name} ${entity.scope}`
    const found = started.get(place) ?? { entity, instance: instances.acquire(entity) }
    started.set(place, found)
    return found.instance
  }
  const by_route = new Map<unknown, readonly Instance[]>(
    routes.map((route: Route) => [route, route.plugins.filter(runs).map(start)]),
  )
  const of_all = plugins.filter(runs).map(start)

  let requests = 0
  const { promise: over, resolve: end } = Promise.withResolvers<undefined>()
  let retired: Promise<void> | undefined
  return {
    router: createRouter(routes),
    phases: match => (match ? (by_route.get(match.route) ?? []) : of_all),
    enter() {
      requests += 1
      return () => {
        requests -= 1
        if (retired && requests === 0) end(undefined)
      }
    },
    async problems() {
      const found = await Promise.all(
        [...started.values()].map(async ({ entity, instance }) => {
          if (instances.isShared(entity)) return []
          const problem = await instance.problem?.()
          return problem === undefined ? [] : [`${entity.name}${placeOf(entity)}, ${problem}`]
        }),
      )
      return [...new Set(found.flat())]
    },
    retire() {
      retired ??= over.then(async () => {
        await Promise.all([...started.values()].map(({ entity }) => instances.release(entity)))
      })
      if (requests === 0) end(undefined)
      return retired
    },
  }
}

function placeOf({ scope }: PluginEntity): string {
  return scope === '' ? '' : ` of ${scope.replace(':', ' ')}`
}
