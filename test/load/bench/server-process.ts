import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createConnection } from 'node:net'
import { basename, dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { encodeFrames, FrameDecoder } from '../../../gateway/plugin-server/frames.ts'
import { rpc_call, rpc_return } from '../../../gateway/plugin-server/rpc.ts'
import { plugin_server_program } from '../parts.ts'
import { cpuOf, residentOf } from './process-usage.ts'

const stock_program = createRequire(import.meta.filename).resolve(
  'kong-pdk/bin/kong-js-pluginserver',
)

/** A plugin server under load: all of its processes. */
export interface ServerProcess {
  readonly socket: string
  /** Of the process that was started: the primary of our workers. */
  readonly pid: number
  /** The last lines that it wrote. */
  readonly log: readonly string[]
  /** Milliseconds of processor time so far, its workers' included; NaN where /proc is not there. */
  cpu(): Promise<number>
  /** Resident bytes, its workers' included; NaN where /proc is not there. */
  resident(): Promise<number>
  stop(): Promise<void>
}

export function startOurs(socket: string, workers: number, plugins?: string) {
  const directory = plugins === undefined ? [] : ['--plugins-directory', plugins]
  const args = ['--socket', socket, '--workers', String(workers), '--metrics-port', 'off']
  return start(socket, [plugin_server_program, ...args, ...directory], '"msg":"listening"')
}

export function startStock(socket: string, plugins: string) {
  const args = ['-p', dirname(socket), '--sock-name', basename(socket), '-d', plugins]
  return start(socket, [stock_program, ...args], 'server started at')
}

/** Resolves when a line of its output says that it listens. */
async function start(
  socket: string,
  args: readonly string[],
  listening: string,
): Promise<ServerProcess> {
  const child = spawn(process.execPath, args, { cwd: '/', env: {} })
  const exited = once(child, 'exit')
  // Whoever interrupts the suite does not wait for it to be stopped.
  const stopNow = () => void child.kill('SIGTERM')
  process.once('exit', stopNow)
  child.once('exit', () => process.off('exit', stopNow))
  const said: string[] = []
  await new Promise<void>((resolve, reject) => {
    for (const input of [child.stdout, child.stderr])
      createInterface({ input }).on('line', line => {
        said.push(line)
        if (said.length > 10) said.shift()
        if (line.includes(listening)) resolve()
      })
    exited.then(() => reject(new Error(`it ended: ${said.join('\n')}`)), reject)
  })
  const { pid = 0 } = child
  return {
    socket,
    pid,
    log: said,
    cpu: () => cpuOf(pid),
    resident: () => residentOf(pid),
    stop: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** Starts an instance over the protocol; gives the id that events name it with. */
export async function startInstance(
  { log = [], socket }: Pick<ServerProcess, 'socket'> & Partial<Pick<ServerProcess, 'log'>>,
  name: string,
  config: unknown,
): Promise<number> {
  const stream = createConnection({ path: socket })
  const decoder = new FrameDecoder()
  const call = { name, config: Buffer.from(JSON.stringify(config)) }
  stream.write(encodeFrames(rpc_call.encode({ sequence: 1, cmd_start_instance: call })))
  for await (const chunk of stream)
    for (const frame of decoder.push(chunk as Buffer)) {
      stream.destroy()
      const { instance_status } = rpc_return.decode(frame)
      if (!instance_status) throw new Error(`no instance of ${name} was started`)
      return instance_status.instance_id
    }
  throw new Error(['the plugin server closed the connection. Its last lines:', ...log].join('\n'))
}
