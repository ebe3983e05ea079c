import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DockerfileParser } from 'dockerfile-ast'
import { describe, expect, it } from '@jest/globals'
import { copyTree } from '../../support/copied-tree.ts'

const file = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8')

/** What a stage copies from the context, and the stages it stands on. */
function copied(dockerfile: string, stage: string): readonly string[] {
  const parsed = DockerfileParser.parse(file(dockerfile))
  const froms = parsed.getFROMs()
  const from = froms.find(each => each.getBuildStage() === stage)
  if (!from) return []
  const begin = from.getRange().start.line
  const end =
    froms.find(each => each.getRange().start.line > begin)?.getRange().start.line ?? Infinity
  const own = parsed
    .getCOPYs()
    .filter(copy => copy.getRange().start.line > begin && copy.getRange().start.line < end)
    .filter(copy => copy.getFlags().length === 0)
    .flatMap(copy =>
      copy
        .getArguments()
        .slice(0, -1)
        .map(argument => argument.getValue()),
    )
  return [...copied(dockerfile, from.getImage() ?? ''), ...own]
}

const run = (root: string, ...args: readonly string[]) =>
  new Promise<{ code: unknown; said: string }>(resolve => {
    execFile(process.execPath, args, { cwd: root, env: {} }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, said: stdout + stderr }),
    )
  })

describe('the plugin server of a deployment', () => {
  it.each(['docker-compose.yml', 'deploy/kubernetes/base/kong.yaml'])(
    'O01 is started by %s as by kong.conf, but for its socket and its workers',
    path => {
      const usual = /^pluginserver_mcp_oidc_start_cmd = (.*)$/m.exec(file('gateway/kong/kong.conf'))
      const moved = usual?.[1]?.replace('/usr/local/kong/', '/kong_prefix/')
      const own = file(path).replace(/\s+/g, ' ')
      expect(moved).toMatch(/^\/usr\/local\/bin\/node /)
      expect(own).toContain(`>- ${moved ?? ''} --workers 2 `)
    },
  )
})

describe('each image holds all that its program imports', () => {
  it.each([
    ['mcp-server', 'mcp-server/main.ts', 'DATABASE_URL: is not set'],
    ['console', 'console/main.ts', 'CONSOLE_CLIENT_SECRET: is not set'],
    ['dev-idp', 'gateway/local/idp/main.ts', 'CLIENT_SECRET is missing'],
  ])('O01 %s, which says what its environment lacks', async (stage, program, says) => {
    const tree = await copyTree(...copied('deploy/images/Dockerfile', stage))
    try {
      const { code, said } = await run(tree.root, program)
      expect(said).toContain(says)
      expect(code).toBe(1)
    } finally {
      await tree.remove()
    }
  })

  it('O01 kong, whose plugin server describes the plugin and whose kong.yml is put in place', async () => {
    const tree = await copyTree(
      ...['package.json', 'storage', 'plugins', 'config', 'gateway/kong', 'gateway/plugin-server'],
    )
    try {
      const dumped = await run(tree.root, 'gateway/plugin-server/main.ts', '--dump')
      expect(JSON.parse(dumped.said)).toMatchObject({ Plugins: [{ Name: 'mcp-oidc' }] })
      const placed = await run(
        tree.root,
        'gateway/kong/place-config.ts',
        'config/kong.yml',
        'placed.yml',
      )
      expect(placed).toEqual({ code: 0, said: '' })
      expect(file('gateway/kong/Dockerfile.dockerignore')).toMatch(/^!gateway\/kong$/m)
    } finally {
      await tree.remove()
    }
  })
})
