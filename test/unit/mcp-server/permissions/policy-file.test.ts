import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { pino } from 'pino'
import { parsePolicy } from '../../../../mcp-server/permissions/parse-policy.ts'
import { openPolicyFile, type PolicyFile } from '../../../../mcp-server/permissions/policy-file.ts'
import { expectSoon } from '../../../support/soon.ts'

const tools = [{ name: 'read', arguments: [] }]
const yaml = (permission: string) => `tools: {read: {permission: ${permission}}}`

describe('M02 the file of permissions', () => {
  let folder: string
  let file: string
  let opened: PolicyFile | undefined
  const lines: string[] = []
  const open = () =>
    openPolicyFile({
      file,
      parse: text => parsePolicy(text, tools),
      log: pino({}, { write: (line: string) => void lines.push(line) }),
      interval: 20,
    })
  const needed = () => Promise.resolve(opened?.current().tools.get('read')?.permission)

  beforeEach(async () => {
    lines.length = 0
    folder = await mkdtemp(join(tmpdir(), 'policy-'))
    file = join(folder, 'permissions.yml')
    await writeFile(file, yaml('first'))
  })
  afterEach(async () => {
    opened?.close()
    await rm(folder, { recursive: true })
  })

  it('is read again when it changes, also when another takes its place', async () => {
    opened = await open()
    expect(await needed()).toBe('first')
    await writeFile(file, yaml('the-second'))
    await expectSoon(needed, 'the-second')
    await writeFile(join(folder, 'next'), yaml('the-third-one'))
    await rename(join(folder, 'next'), file)
    await expectSoon(needed, 'the-third-one')
  })

  it('stays in force as it was when a change is not valid, and says every problem', async () => {
    opened = await open()
    await writeFile(file, 'tools: {write: {permission: w}, other: {everyone: true}}')
    await expectSoon(() => Promise.resolve(lines.length), 1)
    expect(lines[0]).toMatch(/tools.read: is missing.*tools.write: there is no such tool/)
    expect(await needed()).toBe('first')
    await rm(file)
    await expectSoon(() => Promise.resolve(lines.length), 2)
    expect(await needed()).toBe('first')
    await writeFile(file, yaml('mended-again'))
    await expectSoon(needed, 'mended-again')
  })

  it('keeps the server from starting when it is not valid, or not there', async () => {
    await writeFile(file, 'tools: {}')
    await expect(open()).rejects.toThrow(/tools.read: is missing/)
    await rm(file)
    await expect(open()).rejects.toThrow(/ENOENT/)
  })
})
