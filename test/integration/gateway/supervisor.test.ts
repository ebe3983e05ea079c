import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { compile_cache } from '../../../gateway/local/compile-cache.ts'
import { type Probe, untilReady } from '../../../gateway/local/stack/readiness.ts'
import {
  createSupervisor,
  type StackEvent,
  type Supervisor,
} from '../../../gateway/local/stack/supervisor.ts'

let folder: string
let events: StackEvent[]
let supervisor: Supervisor

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'supervisor-'))
  events = []
  supervisor = createSupervisor({ logs: folder, report: event => events.push(event) })
})
afterEach(async () => {
  await supervisor.stop()
  await rm(folder, { recursive: true })
})

const ready_file = () => join(folder, 'ready')
const isReady: Probe = () => access(ready_file())
const isGone =
  (pid: number): Probe =>
  () => {
    try {
      process.kill(pid, 0)
    } catch {
      return Promise.resolve()
    }
    return Promise.reject(new Error(`${pid} is still there`))
  }
const soon = { patience: 15_000, signal: new AbortController().signal }
const pidOf = async () => Number(await readFile(ready_file(), 'utf8'))

/** A program that does something and then stays, having written its process id. */
async function program(code: string): Promise<string> {
  const path = join(folder, 'program.mjs')
  const lines = [
    `import { writeFileSync } from 'node:fs'`,
    code,
    `writeFileSync(${JSON.stringify(ready_file())}, String(process.pid))`,
    `setInterval(() => {}, 1000)`,
  ]
  await writeFile(path, lines.join('\n'))
  return path
}

async function launch(code: string): Promise<void> {
  await supervisor.launch({ name: 'part', program: await program(code), environment: {} }, isReady)
}

describe('the supervisor', () => {
  it('gives a part nothing of our own environment', async () => {
    process.env['OF_THE_PARENT'] = 'yes'
    await launch(`console.log(JSON.stringify(process.env))`)
    await supervisor.stop()
    expect(JSON.parse(await readFile(join(folder, 'part.log'), 'utf8'))).toEqual({
      NODE_COMPILE_CACHE: compile_cache,
    })
  })

  it('asks a part to end, and insists when it does not', async () => {
    await launch(`process.on('SIGTERM', () => console.log('no'))`)
    const pid = await pidOf()
    await supervisor.stop()
    await isGone(pid)()
    expect(await readFile(join(folder, 'part.log'), 'utf8')).toContain('no')
  })

  it('tells of a part that ends by itself, with its last lines', async () => {
    await launch(`console.error('the disk is gone'); setTimeout(() => process.exit(3), 50)`)
    const reason = await supervisor.failed
    expect(reason).toContain('part ended by itself: exit code 3')
    expect(reason).toContain('the disk is gone')
  })

  it('does not wait for the readiness of a part that is gone', async () => {
    await expect(launch(`process.exit(1)`)).rejects.toThrow('part ended by itself: exit code 1')
  })

  it('shows the errors of a part as they come', async () => {
    await launch(
      `console.log('{"level":50,"msg":"refused"}'); console.log('{"level":30,"msg":"fine"}')`,
    )
    await supervisor.stop()
    expect(events).toEqual([{ type: 'complaint', part: 'part', line: 'refused' }])
  })

  it('cuts the other steps short when one fails, and waits for them', async () => {
    const ended: string[] = []
    const never = supervisor
      .untilReady(() => Promise.reject(new Error('never')))
      .finally(() => ended.push('the other'))
    const fails = Promise.reject(new Error('no port'))
    await expect(supervisor.together([fails, never])).rejects.toThrow('no port')
    expect(ended).toEqual(['the other'])
  })

  it('leaves no part behind when it is killed itself', async () => {
    const child = fileURLToPath(new URL('../../../gateway/local/stack/', import.meta.url))
    const parent = join(folder, 'parent.ts')
    await writeFile(
      parent,
      `import { startChild } from ${JSON.stringify(join(child, 'child.ts'))}
       import { openLogFile } from ${JSON.stringify(join(child, 'log-file.ts'))}
       const log = openLogFile(${JSON.stringify(join(folder, 'child.log'))}, () => {})
       startChild({ name: 'part', program: ${JSON.stringify(await program('setInterval(() => console.log("busy"), 10)'))}, environment: {}, log })
       setInterval(() => {}, 1000)`,
    )
    const killed = spawn(process.execPath, [parent], { stdio: 'ignore' })
    await untilReady(isReady, soon)
    killed.kill('SIGKILL')
    await once(killed, 'exit')
    await untilReady(isGone(await pidOf()), soon)
  })
})
