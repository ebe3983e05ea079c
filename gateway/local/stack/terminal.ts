import { closeSync, openSync } from 'node:fs'

/** Whether this process still has a terminal that may be closed over its head. */
export function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false // there is none, or it has hung up
  }
}
