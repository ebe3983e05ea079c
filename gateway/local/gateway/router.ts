import type { Route } from './configuration.ts'
import { escapePath } from './request-target.ts'
import { pathPattern } from './route-path.ts'

export interface Match {
  readonly route: Route
  /** The part of the path that `strip_path` takes away. */
  readonly prefix: string | undefined
  /** The path to ask the upstream for. */
  readonly upstream_path: string
}

export interface RoutedRequest {
  readonly method: string
  /** Normalised. */
  readonly path: string
  /** As in the Host header, with or without port. */
  readonly host: string
}

export type Router = (request: RoutedRequest) => Match | undefined

interface Candidate {
  readonly route: Route
  readonly path: string | undefined
  readonly pattern: RegExp | undefined
}

/**
 * Kong's `traditional_compatible` router, for paths, methods and hosts: the route that names more
 * of the three wins, then the one whose hosts have no wildcard, then a regular expression over a
 * prefix, a higher `regex_priority`, a longer prefix; what is still equal goes by the file's order.
 */
export function createRouter(routes: readonly Route[]): Router {
  const candidates = routes.flatMap(candidatesOf).sort(byPriority)
  return request => {
    const host = request.host.toLowerCase().replace(/:\d+$/, '')
    for (const candidate of candidates) {
      const { route } = candidate
      if (route.methods && !route.methods.includes(request.method)) continue
      if (route.hosts && !route.hosts.some(pattern => matchesHost(pattern, host))) continue
      const matched = matchedPart(candidate, request.path)
      if (matched === undefined) continue
      return {
        route,
        prefix: route.strip_path ? matched : undefined,
        upstream_path: escapePath(upstreamPath(route, matched, request.path)),
      }
    }
    return undefined
  }
}

function candidatesOf(route: Route): Candidate[] {
  if (!route.paths) return [{ route, path: undefined, pattern: undefined }]
  return route.paths.map(path => ({
    route,
    path,
    pattern: path.startsWith('~') ? pathPattern(path) : undefined,
  }))
}

function byPriority(left: Candidate, right: Candidate): number {
  for (const weight of [named, plainHosts, isPattern, regexPriority, prefixLength]) {
    const difference = weight(right) - weight(left)
    if (difference !== 0) return difference
  }
  return 0
}

const named = ({ route }: Candidate): number =>
  [route.paths, route.methods, route.hosts].filter(Boolean).length
const plainHosts = ({ route }: Candidate): number =>
  route.hosts && !route.hosts.some(host => host.includes('*')) ? 1 : 0
const isPattern = ({ pattern }: Candidate): number => (pattern ? 1 : 0)
const regexPriority = ({ pattern, route }: Candidate): number =>
  pattern ? route.regex_priority : 0
const prefixLength = ({ pattern, path }: Candidate): number => (pattern ? 0 : (path?.length ?? 0))

function matchedPart({ path, pattern }: Candidate, requested: string): string | undefined {
  if (pattern) return pattern.exec(requested)?.[0]
  if (path === undefined) return ''
  return requested.startsWith(path) ? path : undefined
}

function matchesHost(pattern: string, host: string): boolean {
  if (pattern.startsWith('*')) return host.endsWith(pattern.slice(1).toLowerCase())
  if (pattern.endsWith('*')) return host.startsWith(pattern.slice(0, -1).toLowerCase())
  return host === pattern.toLowerCase()
}

/** Kong's path handling `v0`: the service's path and the request's, joined by exactly one slash. */
function upstreamPath(route: Route, matched: string, requested: string): string {
  const base = route.service?.path ?? '/'
  if (!route.strip_path || matched === '') {
    if (base.endsWith('/')) return base + requested.slice(1)
    return requested === '/' ? base : base + requested
  }
  // What is left must not be read as a dot segment of the service's path.
  const rest = requested.slice(matched.length).replace(/^\.{1,2}(\/|$)/, '')
  if (rest !== '') return `${base.replace(/\/$/, '')}/${rest.replace(/^\//, '')}`
  if (base === '/') return base
  return base.replace(/\/$/, '') + (requested.length > 1 && requested.endsWith('/') ? '/' : '')
}
