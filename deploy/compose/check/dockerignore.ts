import { existsSync, readFileSync } from 'node:fs'

/**
 * Whether a .dockerignore leaves a path out: the last line that matches it, or a folder above it,
 * decides; `!` takes it in again. A folder is there too when something in it is. `*` and `**` as
 * Docker reads them, which is all that ours use.
 */
export function ignores(file: string): (path: string, folder: boolean) => boolean {
  if (!existsSync(file)) return () => false
  const rules = readFileSync(file, 'utf8')
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => ({ keep: line.startsWith('!'), pattern: line.replace(/^!/, '') }))
  return (path, folder) => {
    let out = false
    for (const { keep, pattern } of rules) {
      const matches = above(path).some(part => expression(pattern).test(part))
      const holds = keep && folder && pattern.startsWith(`${path}/`)
      if (matches || holds) out = !keep
    }
    return out
  }
}

/** `a/b/c` → `a`, `a/b`, `a/b/c`. */
function above(path: string): readonly string[] {
  const parts = path.replace(/^\.\//, '').replace(/\/$/, '').split('/')
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

function expression(pattern: string): RegExp {
  const text = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*\*\/?|\*|\?/g, match =>
      match.startsWith('**') ? '(?:.*/)?' : match === '*' ? '[^/]*' : '[^/]',
    )
  return new RegExp(`^${text}$`)
}
