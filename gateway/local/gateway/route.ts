import type { Service } from './upstream-service.ts'

/** What a route matches and where it leads, without the plugins on it. */
export interface RouteDescription {
  readonly name: string
  readonly paths: readonly string[] | undefined
  readonly methods: readonly string[] | undefined
  readonly hosts: readonly string[] | undefined
  readonly regex_priority: number
  readonly strip_path: boolean
  readonly preserve_host: boolean
  readonly service: Service | undefined
}
