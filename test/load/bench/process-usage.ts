import { readFile } from 'node:fs/promises'
import { childrenOf } from '../kill.ts'

/**
 * Milliseconds of processor time of a process so far, and of its children, those that have ended included;
 * NaN where /proc is not there.
 */
export const cpuOf = (pid: number) => sum(pid, cpuOfOne)

/** Resident bytes of a process and of its children; NaN where /proc is not there. */
export const residentOf = (pid: number) => sum(pid, residentOfOne)

async function sum(pid: number, read: (pid: number) => Promise<number>): Promise<number> {
  const each = await Promise.all([pid, ...(await childrenOf(pid))].map(read))
  return each.reduce((total, value) => total + value, 0)
}

/**
 * proc(5): utime and stime are the 14th and 15th member of stat, and those of children that have ended and were
 * waited for the 16th and 17th, in ticks of 10 ms.
 */
async function cpuOfOne(pid: number): Promise<number> {
  const ticks = (await statOf(pid)).slice(11, 15).map(Number)
  return ticks.length === 4 ? ticks.reduce((sum, each) => sum + each) * 10 : NaN
}

async function residentOfOne(pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(await read(`/proc/${pid}/status`))?.[1]) * 1024
}

/** Who started a process: proc(5) has it as the 4th member of stat. NaN where /proc is not there. */
export async function parentOf(pid: number): Promise<number> {
  return Number((await statOf(pid))[1])
}

/** From the third member on: what comes before may hold spaces. */
async function statOf(pid: number): Promise<readonly string[]> {
  return (await read(`/proc/${pid}/stat`)).split(') ')[1]?.split(' ') ?? []
}

async function read(file: string): Promise<string> {
  return (await readFile(file, 'utf8').catch(() => '')).trim()
}
