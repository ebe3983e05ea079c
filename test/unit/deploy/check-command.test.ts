import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const program = (name: string) =>
  fileURLToPath(new URL(`../../../deploy/${name}/check/main.ts`, import.meta.url))

const run = (name: string, ...args: readonly string[]) =>
  new Promise<Ended>(resolve => {
    execFile(process.execPath, [program(name), ...args], (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr })
    })
  })

describe.each(['compose', 'kubernetes'])('npm run %s:check', name => {
  it('says with --help what it does, and checks nothing', async () => {
    const { code, stdout, stderr } = await run(name, '--help')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`npm run ${name}:check`)
    expect(stdout).not.toContain('in order')
  })

  it('refuses an option that it does not know, and says how it is called', async () => {
    const { code, stderr } = await run(name, '--nope')
    expect(code).toBe(2)
    expect(stderr).toContain('--nope')
    expect(stderr).toContain(`npm run ${name}:check`)
  })
})
