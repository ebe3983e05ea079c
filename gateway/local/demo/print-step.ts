import type { Step } from './steps.ts'

/** One line per step; a failed one has a second line with advice. */
export function stepLine({ name, ok, status, duration_ms, detail, advice }: Step): string {
  const mark = ok ? '✓' : '✗'
  const line = `  ${mark} ${name.padEnd(28)}${String(status ?? '–').padEnd(5)}${`${duration_ms} ms`.padStart(8)}  ${detail}`
  return advice === undefined ? line : `${line}\n    → ${advice}`
}
