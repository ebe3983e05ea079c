import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { describe, expect, it } from '@jest/globals'
import { cpuOf } from '../../../load/bench/process-usage.ts'

const busy = `while (process.cpuUsage().user < 300_000);`
const program = `
  const { once } = require('node:events')
  const { spawn } = require('node:child_process')
  process.stdin.once('data', async () => {
    const child = spawn(process.execPath, ['-e', ${JSON.stringify(`${busy} console.log('busy'); process.stdin.resume()`)}])
    await once(child.stdout, 'data')
    console.log('busy')
    process.stdin.once('data', async () => {
      child.stdin.end()
      await once(child, 'exit')
      console.log('over')
      process.stdin.once('data', () => process.exit())
    })
  })
  console.log('ready')`

// Where /proc is not there, nothing is measured, and there is nothing to be tried.
const onLinux = existsSync('/proc/self/stat') ? it : it.skip

describe('the processor time of a process', () => {
  onLinux('has that of its children, and keeps it when they end', async () => {
    const parent = spawn(process.execPath, ['-e', program])
    const lines = createInterface({ input: parent.stdout })
    const said = async () => once(lines, 'line')
    await said()
    const before = await cpuOf(parent.pid ?? NaN)
    parent.stdin.write('begin')
    await said()
    const running = await cpuOf(parent.pid ?? NaN)
    parent.stdin.write('end it')
    await said()
    const after = await cpuOf(parent.pid ?? NaN)
    parent.stdin.write('end')
    await once(parent, 'exit')
    expect(running - before).toBeGreaterThanOrEqual(250)
    expect(after).toBeGreaterThanOrEqual(running)
  })

  it('is no number for a process that is not there', async () => {
    expect(await cpuOf(NaN)).toBeNaN()
  })
})
