import { execFile, spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

import { describe, expect, it } from '@jest/globals'

import { connectPluginServer } from '../../../../gateway/local/kong-side/client.ts'
import { temporaryDirectory } from '../../../support/plugin-server/temporary-directory.ts'

const main = join(import.meta.dirname, '../../../../gateway/plugin-server/main.ts')

const off = ['--metrics-port', 'off']

/** As Kong runs it: no environment, a directory of its own. */
function run(args: readonly string[]) {
  return new Promise<{ code: number; stdout: string; stderr: string }>(resolve => {
    const child = execFile(
      process.execPath,
      [main, ...args],
      { env: {}, cwd: '/' },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}

/** Its log goes on being read. */
async function untilListening({ stdout }: { readonly stdout: Readable }, socket: string) {
  const lines = createInterface({ input: stdout })
  for await (const [line] of on(lines, 'line', { close: ['close'] }) as AsyncIterable<[string]>) {
    const said = JSON.parse(line) as { msg: string; socket?: string }
    if (said.msg === 'listening') return expect(said.socket).toBe(socket)
  }
  throw new Error('it ended before it listened')
}

const plugin = `
export const Name = 'closed'
export const Version = '1.0.0'
export const Priority = 7
export const Schema = [{ issuer: { type: 'string' } }]
export class Plugin {
  async access(kong) { await kong.response.exit(401, 'no') }
}
`

async function plugins(...names: readonly string[]) {
  const directory = await temporaryDirectory()
  for (const name of names) {
    await mkdir(join(directory.path, name))
    await writeFile(join(directory.path, name, 'index.ts'), plugin)
  }
  return directory
}

describe('node gateway/plugin-server/main.ts', () => {
  it('--dump prints the query answer and nothing else', async () => {
    await using directory = await plugins('closed')
    const { code, stdout, stderr } = await run(['--dump', '--plugins-directory', directory.path])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toEqual({
      Protocol: 'ProtoBuf:1',
      Plugins: [
        {
          Name: 'closed',
          Version: '1.0.0',
          Priority: 7,
          Phases: ['access'],
          Schema: {
            name: 'closed',
            fields: [{ config: { type: 'record', fields: [{ issuer: { type: 'string' } }] } }],
          },
        },
      ],
    })
  })

  it('--help explains every option', async () => {
    const { code, stdout, stderr } = await run(['--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const option of ['--socket', '--dump', '--plugins-directory', '--help']) {
      expect(stdout).toContain(option)
    }
  })

  it.each([
    [[], '--socket PATH is missing'],
    [['--socket', ''], '--socket PATH is missing'],
    [['--socket'], '--socket'],
    [['--sockt', '/x'], '--sockt'],
    [['--dump', 'extra'], 'extra'],
    [['--dump', '--plugins-directory', ''], '--plugins-directory is empty'],
  ])('refuses %j with code 2', async (args, text) => {
    const { code, stdout, stderr } = await run(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(text)
    expect(stderr).toContain('Usage:')
  })

  it.each([
    [[], 'no plugin'],
    [['a', 'b'], 'Kong takes one plugin'],
  ])('refuses a directory with the plugins %j', async (names, text) => {
    await using directory = await plugins(...names)
    const { code, stdout, stderr } = await run(['--dump', '--plugins-directory', directory.path])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(text)
  })

  it('refuses a module that is no plugin, naming all that is missing', async () => {
    await using directory = await plugins('a')
    await writeFile(join(directory.path, 'a', 'index.ts'), 'export const Name = 1')
    const { code, stderr } = await run(['--dump', '--plugins-directory', directory.path])
    expect(code).toBe(1)
    for (const name of ['Name', 'Version', 'Priority', 'Schema', 'Plugin']) {
      expect(stderr).toContain(`${name} is not`)
    }
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('O04 serves until %s, then ends with 0', async signal => {
    await using directory = await plugins('closed')
    const socket = join(directory.path, 's.sock')
    const args = [main, '--socket', socket, '--plugins-directory', directory.path, ...off]
    const child = spawn(process.execPath, args, { env: {}, cwd: '/' })
    await untilListening(child, socket)
    const client = connectPluginServer(socket)
    const id = await client.startInstance('closed', {})
    expect(await client.handleEvent(id, 'access', {})).toMatchObject({ kind: 'exit', status: 401 })
    child.kill(signal)
    expect(await once(child, 'exit')).toEqual([0, null])
    await expect(client.handleEvent(id, 'access', {})).rejects.toMatchObject({
      code: 'unreachable',
    })
    client.close()
  })

  it('O04 ends although nobody reads its log any more', async () => {
    await using directory = await plugins('closed')
    const socket = join(directory.path, 's.sock')
    const args = [main, '--socket', socket, '--plugins-directory', directory.path, ...off]
    const child = spawn(process.execPath, args, { env: {}, cwd: '/' })
    await untilListening(child, socket)
    child.stdout.destroy()
    child.kill('SIGTERM')
    const [code] = (await once(child, 'exit')) as [number | null]
    expect(code).not.toBeNull()
  })
})

describe('--metrics-port', () => {
  it('O02 O04 serves the metrics of server and plugin, and readiness, beside the socket', async () => {
    await using directory = await plugins('closed')
    const file = join(directory.path, 'closed', 'index.ts')
    const more = `
      const of_the_plugin = { name: 'of_the_plugin', help: 'x', type: 'gauge', aggregator: 'sum', values: [{ value: 1, labels: {} }] }
      export const Metrics = { getMetricsAsJSON: () => Promise.resolve([of_the_plugin]) }
      Plugin.prototype.ready = () => Promise.reject(new Error('its database is away'))`
    await writeFile(file, plugin + more)
    const socket = join(directory.path, 's.sock')
    const places = ['--socket', socket, '--plugins-directory', directory.path]
    const args = [...places, '--metrics-port', '0', '--workers', '2']
    const child = spawn(process.execPath, [main, ...args], { env: {}, cwd: '/' })
    let port = 0
    for await (const line of createInterface({ input: child.stdout })) {
      const said = JSON.parse(line) as { msg: string; port: number }
      if (said.msg === 'metrics are served') port = said.port
      if (port !== 0) break
    }
    const url = `http://127.0.0.1:${port}`
    const text = await (await fetch(`${url}/metrics`)).text()
    expect(text).toContain('of_the_plugin 2') // one of each worker
    expect(text).toMatch(/^plugin_server_instances 0$/m)
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    const client = connectPluginServer(socket)
    await client.startInstance('closed', {})
    const answer = await fetch(`${url}/readyz`)
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({ reasons: ['its database is away'] })
    client.close()
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  })

  it.each(['0', '65', '-1', '1.5', 'x', ''])('refuses %j workers', async workers => {
    const { code, stderr } = await run(['--socket', '/nowhere', `--workers=${workers}`])
    expect(code).toBe(2)
    expect(stderr).toContain('is no number from 1 to 64')
  })

  it.each(['65536', '-1', 'x', ''])('refuses %j', async port => {
    const { code, stderr } = await run(['--socket', '/nowhere', `--metrics-port=${port}`])
    expect(code).toBe(2)
    expect(stderr).toContain('neither a port nor off')
  })
})
