import { execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface CopiedTree {
  readonly root: string
  remove(): Promise<void>
}

/** These files and folders of ours in a folder of their own, as git has them or would, with the packages. */
export async function copyTree(...paths: readonly string[]): Promise<CopiedTree> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-oidc-tree-'))
  const listed = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard', ...paths], {
    cwd: root,
    encoding: 'utf8',
  })
  for (const path of listed.split('\0').filter(Boolean)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await cp(join(root, path), join(folder, path))
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  return { root: folder, remove: () => rm(folder, { recursive: true, force: true }) }
}
