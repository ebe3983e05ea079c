import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { startGateway } from '../../../../gateway/local/gateway/gateway.ts'
import { external_plugin, openGateway } from './local-gateway.ts'
import { createKeyPair } from './key-pair.ts'

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

  it('O05 names what is wrong with its certificate together with the rest', async () => {
    const file = join(folder, 'kong.yml')
    await writeFile(file, "_format_version: '3.0'\nplugins: [{ name: acl }]\n")
    const [one, other] = [await createKeyPair(folder, 'one'), await createKeyPair(folder, 'other')]
    const given = ['--socket', '/nowhere', '--config', file, '--port', '0', '--tls-port', '0']
    const tls = (certificate: string, key: string) =>
      fails(...given, '--certificate', certificate, '--key', key)
    const missing = await tls(join(folder, 'none.pem'), one.certificate)
    expect(missing).toContain("the local gateway does not know the plugin 'acl'")
    expect(missing).toContain(`--certificate ${join(folder, 'none.pem')} cannot be read: ENOENT`)
    expect(missing).toContain(`--key ${one.certificate} is no unencrypted private key in PEM`)
    expect(await tls(one.certificate, other.key)).toContain(
      `--key ${other.key} does not belong to --certificate ${one.certificate}`,
    )
    expect(await fails(...given.slice(0, 3), join(folder, 'none.yml'))).toContain(
      `--config ${join(folder, 'none.yml')} cannot be read`,
    )
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

describe('SIGHUP', () => {
  it('G07 O05 has the program read its file again, and keep the old one when it is wrong', async () => {
    const file = join(folder, 'kong.yml')
    const bare = (paths: string) =>
      `_format_version: '3.0'\nroutes: [{ name: a, paths: [${paths}] }]\n`
    await writeFile(file, bare('/a'))
    const given = ['--socket', '/nowhere', '--config', file, '--port', '0', '--status-port', '0']
    const program = spawn(process.execPath, [main, ...given], { env: {} })
    try {
      const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]()
      const next = async (msg: string): Promise<Record<string, unknown>> => {
        for (;;) {
          const { done, value } = await lines.next()
          if (done === true) throw new Error(`it ended without '${msg}'`)
          const event = JSON.parse(value) as Record<string, unknown>
          if (event['msg'] === msg) return event
        }
      }
      const { url } = await next('listening')
      const status = async (path: string) => (await fetch(`${String(url)}${path}`)).status
      // A route without a service answers 503, one that is not there 404.
      expect([await status('/a'), await status('/b')]).toEqual([503, 404])

      await writeFile(file, bare('b'))
      const said = once(program.stderr, 'data')
      program.kill('SIGHUP')
      expect(String(await said)).toContain(
        "not reloaded: the configuration of the gateway will not start:\n  - routes[0].paths[0]: must start with '/'",
      )
      expect([await status('/a'), await status('/b')]).toEqual([503, 404])

      await writeFile(file, bare('/b'))
      program.kill('SIGHUP')
      await next('reloaded')
      expect([await status('/a'), await status('/b')]).toEqual([404, 503])
    } finally {
      const exited = once(program, 'exit')
      program.kill('SIGTERM')
      await exited
    }
  })
})

describe('TLS', () => {
  it('O05 is served beside http with the certificate, 1.2 at least, and renewed by a reload', async () => {
    const pair = await createKeyPair(folder, 'one')
    const gateway = await openGateway({
      access: async kong => {
        const { request } = kong
        const told = [await request.getScheme(), await request.getForwardedPort()]
        await kong.response.exit(200, JSON.stringify(told))
      },
      options: { tls: { port: 0, ...pair } },
    })
    const { tls_port = 0 } = gateway
    const shake = async (options: ConnectionOptions = {}) => {
      const socket = connect({
        port: tls_port,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        ...options,
      })
      await once(socket, 'secureConnect')
      const serial = socket.getPeerCertificate().serialNumber
      socket.destroy()
      return serial
    }
    const outgoing = request({
      port: tls_port,
      host: '127.0.0.1',
      path: '/token',
      rejectUnauthorized: false,
      agent: false,
    })
    outgoing.end()
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    expect(await text(response)).toBe(JSON.stringify(['https', tls_port]))
    expect((await gateway.send('/token')).body).toBe(JSON.stringify(['http', gateway.port]))
    await expect(
      shake({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }),
    ).rejects.toThrow()

    const before = await shake()
    await createKeyPair(folder, 'one')
    await gateway.reload()
    expect(await shake()).not.toBe(before)
    await writeFile(pair.key, 'no key')
    await expect(gateway.reload()).rejects.toThrow(
      `--key ${pair.key} is no unencrypted private key`,
    )
    expect(await shake()).not.toBe(before)
    await gateway.close()
  })
})
