import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { startGateway } from '../../../../gateway/local/gateway/gateway.ts'
import { external_plugin, openGateway } from './local-gateway.ts'

const run = promisify(execFile)
const main = 'gateway/local/gateway/main.ts'
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'test-start-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function fails(...given: string[]): Promise<string> {
  const error: unknown = await run(process.execPath, [main, ...given], { env: {} }).catch(
    (reason: unknown) => reason,
  )
  expect(error).toMatchObject({ code: 1, stdout: '' })
  return (error as { stderr: string }).stderr
}

describe('the local gateway as a program', () => {
  it('explains itself', async () => {
    const { stdout } = await run(process.execPath, [main, '--help'])
    expect(stdout).toContain('--config FILE')
    expect(stdout).toContain('Production runs Kong')
  })

  it('names every problem of its configuration', async () => {
    const file = join(folder, 'kong.yml')
    await writeFile(file, "_format_version: '3.0'\nplugins: [{ name: acl }]\nconsumers: []\n")
    const said = await fails('--socket', '/nowhere', '--config', file, '--port', '0')
    expect(said).toContain("plugins[0].name: the local gateway does not know the plugin 'acl'")
    expect(said).toContain('consumers: the local gateway knows no such field')
  })

  it('names the environment variables that the configuration of this project lacks', async () => {
    const said = await fails('--socket', '/nowhere', '--port', '0')
    expect(said).toContain('environment variable SIGNING_KEYS is not set')
    expect(said).toContain('environment variable DATABASE_URL is not set')
  })

  it.each([
    [[], '--socket is missing'],
    [['--socket', 'x', '--port', 'many'], '--port is no port'],
    [['--verbose'], '--verbose'],
  ])('refuses the arguments %j', async (given, reason) => {
    expect(await fails(...given)).toContain(reason)
  })
})

describe('a gateway that starts', () => {
  it('listens on loopback and says what is different from Kong', async () => {
    const gateway = await openGateway({})
    expect(gateway.url).toBe(`http://127.0.0.1:${gateway.port}`)
    expect(gateway.events).toMatchObject([
      { msg: 'Kong only', plugin: 'pre-function' },
      { msg: 'Kong only', plugin: 'post-function' },
      { msg: 'listening', notice: 'for development and tests: production runs Kong' },
    ])
    await gateway.close()
  })

  it('rejects when its port is taken', async () => {
    const gateway = await openGateway({})
    const { port } = gateway
    const again = startGateway({
      config_file: gateway.config_file,
      environment: {},
      plugin_server_socket: '/nowhere',
      port,
      external_plugin,
      log: () => undefined,
    })
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await gateway.close()
  })
})
