import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { constants, getPriority, setPriority } from 'node:os'
import { promisify } from 'node:util'
import { childrenOf } from '../kill.ts'

const run = promisify(execFile)

/** What could be arranged, for whoever reads the figures. */
export interface Arranged {
  /** Whether the load has a processor that the servers have not, and they one for all of them. */
  readonly apart: boolean
  /** Whether load and servers go before other processes. */
  readonly first: boolean
}

/**
 * Does the work while the servers are kept on one processor and this process, which is the load, on another one,
 * all of them before other processes; as far as this computer lets us, with Linux's `taskset`. All is as it was
 * afterwards.
 */
export async function apart<T>(
  servers: readonly number[],
  work: (arranged: Arranged) => Promise<T>,
): Promise<T> {
  const allowed = await allowedProcessors()
  const [for_servers, for_load] = allowed
  const pids = (
    await Promise.all(servers.map(async pid => [pid, ...(await childrenOf(pid))]))
  ).flat()
  const priorities = [process.pid, ...pids].map(pid => [pid, getPriority(pid)] as const)
  const place = async (of_servers: readonly number[], of_load: readonly number[]) => {
    for (const pid of pids) await pin(pid, of_servers)
    await pin(process.pid, of_load)
  }
  try {
    const is_apart =
      for_servers !== undefined &&
      for_load !== undefined &&
      (await place([for_servers], [for_load]).then(
        () => true,
        () => false,
      ))
    return await work({ apart: is_apart, first: raised(priorities.map(([pid]) => pid)) })
  } finally {
    for (const [pid, priority] of priorities) restore(pid, priority)
    if (allowed.length > 1) await place(allowed, allowed).catch(() => undefined)
  }
}

/** All threads of a process. */
async function pin(pid: number, processors: readonly number[]): Promise<void> {
  await run('taskset', ['-a', '-c', '-p', processors.join(','), String(pid)])
}

/** Of the thread that runs JavaScript. */
function raised(pids: readonly number[]): boolean {
  try {
    for (const pid of pids) setPriority(pid, constants.priority.PRIORITY_HIGHEST)
    return true
  } catch {
    return false // only root may
  }
}

function restore(pid: number, priority: number): void {
  try {
    if (getPriority(pid) !== priority) setPriority(pid, priority)
  } catch {
    // It has ended.
  }
}

/** Those that this process may run on, from Linux's /proc; none where that is not there. */
async function allowedProcessors(): Promise<readonly number[]> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  return processorsOf(/^Cpus_allowed_list:\s+(.+)$/m.exec(status)?.[1] ?? '')
}

/** `0-2,5` as numbers. */
export function processorsOf(list: string): readonly number[] {
  return list
    .split(',')
    .filter(Boolean)
    .flatMap(range => {
      const [from = NaN, to = from] = range.split('-').map(Number)
      return Array.from({ length: to - from + 1 }, (_, index) => from + index)
    })
}
