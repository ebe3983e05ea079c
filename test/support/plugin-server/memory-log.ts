import { pino } from 'pino'
import type { Logger } from 'pino'

/** A logger whose lines can be looked at. */
export function memoryLog(): { readonly log: Logger; readonly lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = []
  const write = (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>)
  return { log: pino({ level: 'trace' }, { write }), lines }
}
