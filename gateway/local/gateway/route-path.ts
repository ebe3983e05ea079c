import { normalizePath } from './request-target.ts'

/** A `~` path as the regular expression Kong makes of it, anchored at its start. Throws SyntaxError. */
export function pathPattern(path: string): RegExp {
  return new RegExp(`^${path.slice(1).replaceAll('(?P<', '(?<')}`, 'u')
}

/** What Kong would say against a route's path, or `undefined`. */
export function pathProblem(path: string): string | undefined {
  if (!/^~?\//.test(path)) return "must start with '/' (prefix) or '~/' (regular expression)"
  if (path.includes('//')) return 'must not have empty segments'
  if (!path.startsWith('~')) {
    const normal = normalizePath(path)
    return normal === path ? undefined : `is not normalised, use '${normal}'`
  }
  if (/\(\?<?[=!]|\\[1-9]/.test(path)) {
    return "Kong's router has no look-around and no back-references"
  }
  try {
    pathPattern(path)
    return undefined
  } catch (error) {
    return `is no regular expression: ${error instanceof Error ? error.message : String(error)}`
  }
}
