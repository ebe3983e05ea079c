import { readFile } from 'node:fs/promises'

/** The processes that a process began and that still are, from Linux's /proc; none when it is gone. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  const listed = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return listed.split(' ').filter(Boolean).map(Number)
}

/**
 * kill -9 of a process and its children, which may lead groups of their own, as PostgreSQL's do.
 * Throws when it has none.
 */
export async function killWithChildren(pid: number): Promise<void> {
  // It begins no further child while they are listed.
  process.kill(pid, 'SIGSTOP')
  const children = await childrenOf(pid)
  process.kill(pid, 'SIGKILL')
  if (children.length === 0) throw new Error(`process ${pid} had no children`)
  for (const child of children) killUnlessGone(child)
}

function killUnlessGone(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
