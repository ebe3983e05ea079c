import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Runnable {
  /** `docs/backup.md` */
  readonly file: string
  /** What the fence says it is: `sh runnable=backup`. */
  readonly name: string
  readonly script: string
}

/** Every shell block of README.md and docs/ that is marked as runnable, in their order. */
export function runnableBlocks(): readonly Runnable[] {
  const pages = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .toSorted()
    .map(name => join('docs', name))
  return ['README.md', ...pages].flatMap(file =>
    [
      ...readFileSync(join(root, file), 'utf8').matchAll(
        /^( *)```sh runnable=([\w-]+)\n([\s\S]*?)\n\1```$/gm,
      ),
    ].map(([, indent = '', name = '', text = '']) => ({
      file,
      name,
      script: text
        .split('\n')
        .map(line => line.slice(indent.length))
        .join('\n'),
    })),
  )
}

/** The one block of this name. Throws when there is none, or when there are several. */
export function runnableBlock(name: string): string {
  const [block, ...others] = runnableBlocks().filter(each => each.name === name)
  if (!block || others.length > 0)
    throw new Error(`the docs have ${others.length + (block ? 1 : 0)} runnable blocks "${name}"`)
  return block.script
}
