import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { connectPluginServer } from '../../gateway/local/kong-side/client.ts'
import { connectStockServer, type StockClient } from './kong-pdk-kong.ts'

const root = resolve(import.meta.dirname, '../..')
const stock_program = createRequire(import.meta.filename).resolve(
  'kong-pdk/bin/kong-js-pluginserver',
)
const own_program = join(root, 'gateway/plugin-server/main.ts')

export const plugins_directory = join(root, 'plugins/mcp-oidc/kong-pdk/plugins-directory')

export interface RunningServer {
  readonly client: StockClient
  close(): Promise<void>
}

/** kong-pdk's own `kong-js-pluginserver`, as Kong starts it, and Kong's end of its socket. */
export async function startStockServer(socket: string, plugins: string): Promise<RunningServer> {
  const args = ['-p', dirname(socket), '--sock-name', socket.slice(dirname(socket).length + 1)]
  const stop = await start([stock_program, ...args, '-d', plugins], 'server started at')
  const client = await connectStockServer(socket)
  return { client, close: () => (client.close(), stop()) }
}

/** Our plugin server, as Kong starts it, and Kong's end of its socket. */
export async function startOwnServer(socket: string): Promise<RunningServer> {
  const stop = await start(
    [own_program, '--socket', socket, '--metrics-port', 'off'],
    '"msg":"listening"',
  )
  const client = connectPluginServer(socket)
  return { client, close: () => (client.close(), stop()) }
}

/** What the two query commands print for Kong. */
export const queryStock = () =>
  query([stock_program, '-d', plugins_directory, '--dump-all-plugins'])
export const queryOwn = () => query([own_program, '--dump'])

async function query(args: readonly string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: '/', env: {} })
  return JSON.parse(stdout)
}

/** Resolves when a line of its output says that it listens; gives what ends it. */
async function start(args: readonly string[], listening: string): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, args, {
    cwd: '/', // Kong's, which also gives no environment
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  const said: string[] = []
  await new Promise<void>((resolve, reject) => {
    for (const input of [child.stdout, child.stderr])
      createInterface({ input }).on('line', line => {
        said.push(line)
        if (line.includes(listening)) resolve()
      })
    exited.then(() => reject(new Error(`it ended: ${said.join('\n')}`)), reject)
  })
  return async () => {
    child.kill()
    await exited
  }
}
