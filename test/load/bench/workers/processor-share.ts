import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A group of processes that together get no more than a share of one processor. */
export interface ProcessorShare {
  /** From now on the process is in it, with all of its threads and those it starts. */
  hold(pid: number): Promise<void>
  /** Lets go of whoever is in it, and removes it. */
  remove(): Promise<void>
}

export interface ShareOptions {
  /** Of its folder. */
  readonly name: string
  /** Of one processor: 0.2 say. */
  readonly share: number
  /** Where control groups are mounted. */
  readonly root?: string
  /** Removes the folder of a group. */
  readonly removeFolder?: (folder: string) => Promise<void>
  readonly writeLimit?: (file: string, text: string) => Promise<void>
}

/** This computer cannot do it, or does not let us. */
export class CannotHold extends Error {}

/** Microseconds in which a group gets its share, before it waits for the next ones. */
const period = 50_000

interface Controller {
  /** The group of all groups. */
  readonly folder: string
  /** The file and what it says, each. */
  readonly limit: (quota: number) => readonly (readonly [string, string])[]
}

/**
 * Makes one of Linux's control groups, of either version. Rejects with CannotHold, and the reason, where there
 * are none or we may not make one.
 */
export async function openProcessorShare({
  name,
  share,
  root = '/sys/fs/cgroup',
  removeFolder = rmdir,
  writeLimit = writeFile,
}: ShareOptions): Promise<ProcessorShare> {
  const { folder: all, limit } = await controllerAt(root)
  const folder = join(all, name)
  const release = async () => {
    const held = (await readFile(join(folder, 'cgroup.procs'), 'utf8')).split('\n').filter(Boolean)
    for (const pid of held) await moveTo(all, pid)
    await removeFolder(folder)
  }
  try {
    await mkdir(folder)
  } catch (error) {
    throw cannot(`no group can be made in ${all}`, error)
  }
  try {
    for (const [file, text] of limit(Math.round(share * period)))
      await writeLimit(join(folder, file), text)
  } catch (error) {
    await removeFolder(folder)
    throw cannot(`the limit of ${folder} cannot be set`, error)
  }
  return {
    hold: pid => writeFile(join(folder, 'cgroup.procs'), String(pid)),
    remove: release,
  }
}

/** Version 1 has a folder for the controller, version 2 one for all of them. */
async function controllerAt(root: string): Promise<Controller> {
  const v1 = join(root, 'cpu')
  if ((await textOf(join(v1, 'cpu.cfs_quota_us'))) !== undefined)
    return {
      folder: v1,
      limit: quota => [
        ['cpu.cfs_period_us', String(period)],
        ['cpu.cfs_quota_us', String(quota)],
      ],
    }
  const given = await textOf(join(root, 'cgroup.subtree_control'))
  if (given?.split(/\s+/).includes('cpu'))
    return { folder: root, limit: quota => [['cpu.max', `${quota} ${period}`]] }
  throw new CannotHold(`there is no cpu controller of Linux's control groups in ${root}`)
}

async function textOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined)
}

/** A process that has ended meanwhile is in no group. */
async function moveTo(folder: string, pid: string): Promise<void> {
  try {
    await writeFile(join(folder, 'cgroup.procs'), pid)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function cannot(what: string, error: unknown): CannotHold {
  const why = error instanceof Error ? error.message : String(error)
  return new CannotHold(`${what} (${why}); it takes root`)
}
