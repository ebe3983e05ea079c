import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { connectPluginServer } from '../../gateway/local/kong-side/client.ts'

const usage = `Usage: node test/load/refused-requests.ts [--requests N]

Sends N requests (200000 by default) through a plugin server that refuses each with exit. Kong drops
the connection after an exit, so each is a connection of its own. Prints the server's resident memory
after 20000 requests and at the end, both after a forced collection; ends with 1 when the latter is
more than 1.1 times the former.
`
const first_mark = 20_000
const allowed = 1.1
const at_once = 16

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '200000' }, help: { type: 'boolean' } },
})
const requests = Number(values.requests)
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}
if (!Number.isInteger(requests) || requests <= first_mark) {
  process.stderr.write(`--requests must be an integer above ${first_mark}\n\n${usage}`)
  process.exit(2)
}

const directory = await mkdtemp(join(tmpdir(), 'load-'))
const socket = join(directory, 's.sock')
const server = fork(join(import.meta.dirname, 'refusing-server.ts'), [socket], {
  execArgv: ['--expose-gc'],
})
await once(server, 'message')
const client = connectPluginServer(socket)
const id = await client.startInstance('pbtest', {})

async function residentMemory(): Promise<number> {
  server.send('memory')
  const [bytes] = (await once(server, 'message')) as [number]
  return bytes
}

async function refuse(count: number): Promise<void> {
  let left = count
  const work = async () => {
    while (left > 0) {
      left -= 1
      const outcome = await client.handleEvent(id, 'access', {
        'kong.request.get_header': () => 'Bearer nonsense',
      })
      if (outcome.kind !== 'exit') throw new Error('a request was let through')
    }
  }
  await Promise.all(Array.from({ length: at_once }, work))
}

const megabytes = (bytes: number) => (bytes / 1024 / 1024).toFixed(1)
const begun = performance.now()
await refuse(first_mark)
const before = await residentMemory()
for (let done = first_mark; done < requests;) {
  const step = Math.min(first_mark, requests - done)
  await refuse(step)
  done += step
  process.stderr.write(`${done} of ${requests}\n`)
}
const after = await residentMemory()
const seconds = (performance.now() - begun) / 1000
const ratio = after / before

process.stdout.write(
  `${requests} refused requests on as many connections in ${seconds.toFixed(1)} s\n` +
    `resident memory after ${first_mark}: ${megabytes(before)} MB\n` +
    `resident memory after ${requests}: ${megabytes(after)} MB\n` +
    `ratio ${ratio.toFixed(3)}, allowed ${allowed}\n`,
)
client.close()
server.disconnect()
await once(server, 'exit')
await rm(directory, { recursive: true, force: true })
process.exitCode = ratio > allowed ? 1 : 0
