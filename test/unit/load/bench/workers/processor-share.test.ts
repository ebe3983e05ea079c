import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { CannotHold, openProcessorShare } from '../../../../load/bench/workers/processor-share.ts'

let root = ''
beforeEach(async () => void (root = await mkdtemp(join(tmpdir(), 'cgroup-'))))
afterEach(() => rm(root, { recursive: true, force: true }))

const text = (...path: string[]) => readFile(join(root, ...path), 'utf8')
const open = () =>
  openProcessorShare({
    ...{ name: 'held', share: 0.15, root },
    // The system's own groups take their files along.
    removeFolder: folder => rm(folder, { recursive: true }),
  })

describe('version 1', () => {
  beforeEach(async () => {
    await mkdir(join(root, 'cpu'))
    await writeFile(join(root, 'cpu', 'cpu.cfs_quota_us'), '-1')
  })

  it('holds a process to its share, lets go of it, and leaves no group', async () => {
    const share = await open()
    expect(await text('cpu', 'held', 'cpu.cfs_period_us')).toBe('50000')
    expect(await text('cpu', 'held', 'cpu.cfs_quota_us')).toBe('7500')
    await share.hold(4711)
    expect(await text('cpu', 'held', 'cgroup.procs')).toBe('4711')
    await share.remove()
    expect(await text('cpu', 'cgroup.procs')).toBe('4711')
    expect(await readdir(join(root, 'cpu'))).toEqual(['cgroup.procs', 'cpu.cfs_quota_us'])
  })

  it('says so when no group can be made', async () => {
    await writeFile(join(root, 'cpu', 'held'), 'in the way')
    await expect(open()).rejects.toThrow(CannotHold)
    await expect(open()).rejects.toThrow(/no group can be made in .*it takes root/)
  })

  it('leaves no group when its limit cannot be set', async () => {
    const removed: string[] = []
    const opened = openProcessorShare({
      // A quota that is no file's name: the folder is there, and the limit cannot be written.
      ...{ name: 'held', share: 0.15, root },
      removeFolder: folder => {
        removed.push(folder)
        return rm(folder, { recursive: true })
      },
      writeLimit: () => Promise.reject(new Error('EINVAL')),
    })
    await expect(opened).rejects.toThrow(/the limit of .* cannot be set \(EINVAL\)/)
    expect(removed).toEqual([join(root, 'cpu', 'held')])
  })
})

describe('version 2', () => {
  it('holds a process to its share', async () => {
    await writeFile(join(root, 'cgroup.subtree_control'), 'cpuset cpu io memory\n')
    const share = await open()
    expect(await text('held', 'cpu.max')).toBe('7500 50000')
    await share.hold(4711)
    await share.remove()
    expect(await text('cgroup.procs')).toBe('4711')
    expect(await readdir(root)).toEqual(['cgroup.procs', 'cgroup.subtree_control'])
  })

  it('says so when the controller is not given to groups', async () => {
    await writeFile(join(root, 'cgroup.subtree_control'), 'cpuset io memory\n')
    await expect(open()).rejects.toThrow(/no cpu controller of Linux's control groups/)
  })
})

it('says so where there are no control groups', async () => {
  await expect(open()).rejects.toThrow(CannotHold)
})
