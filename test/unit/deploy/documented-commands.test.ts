import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type CopiedTree, copyTree } from '../../support/copied-tree.ts'
import { runnableBlock, runnableBlocks } from '../../support/runnable-docs.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Which test runs each block that the docs mark as runnable. */
const run_by: Readonly<Record<string, string>> = {
  backup: 'test/integration/backup.test.ts',
  restore: 'test/integration/backup.test.ts',
  compose: 'test/unit/deploy/documented-commands.test.ts',
  kubernetes: 'test/unit/deploy/documented-commands.test.ts',
  demo: 'test/e2e/monitoring.test.ts',
}

describe('the commands of the docs', () => {
  it('that are marked as runnable are run by a test, each once in the docs', () => {
    const names = runnableBlocks().map(({ name }) => name)
    expect(names.toSorted()).toEqual(Object.keys(run_by).toSorted())
    for (const [name, test] of Object.entries(run_by))
      expect(readFileSync(join(root, test), 'utf8')).toMatch(new RegExp(`'${name}'`))
  })

  it('name scripts of package.json and files that are there', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>
    }
    const pages = [
      'README.md',
      ...['install', 'compose', 'kubernetes', 'connect', 'own-mcp-server']
        .concat(['troubleshooting', 'sizing', 'comparison', 'backup', 'upgrade', 'keys', 'kong'])
        .map(name => `docs/${name}.md`),
    ]
    for (const page of pages) {
      const text = readFileSync(join(root, page), 'utf8')
      for (const [, script = ''] of text.matchAll(/npm run (?:--silent )?([\w:-]+)/g))
        expect([page, script, script in scripts]).toEqual([page, script, true])
      for (const [, link = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g))
        expect([page, link, existsSync(join(root, dirname(page), link))]).toEqual([
          page,
          link,
          true,
        ])
    }
  })
})

describe('the commands of a deployment', () => {
  let tree: CopiedTree
  beforeAll(async () => {
    tree = await copyTree('.')
  }, 60_000)
  afterAll(() => tree.remove())

  const run = (name: string) =>
    new Promise<{ code: unknown; said: string }>(resolve => {
      const env = { PATH: process.env['PATH'] ?? '', HOME: tree.root }
      execFile(
        'bash',
        ['-euo', 'pipefail', '-c', runnableBlock(name)],
        { cwd: tree.root, env },
        (error, stdout, stderr) => resolve({ code: error?.code ?? 0, said: stdout + stderr }),
      )
    })

  it('O01 of docs/compose.md leave a system that is in order', async () => {
    const { code, said } = await run('compose')
    expect(said).toContain('docker-compose.yml, its images and .env are in order')
    expect(code).toBe(0)
  }, 60_000)

  it('O01 of docs/kubernetes.md make the files of the overlay', async () => {
    const { code, said } = await run('kubernetes')
    expect(said).toContain('kong.env: SIGNING_KEYS')
    expect(code).toBe(0)
  }, 60_000)
})
