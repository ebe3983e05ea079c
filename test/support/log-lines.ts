import { readFile } from 'node:fs/promises'
import { untilReady } from '../../gateway/local/stack/readiness.ts'
import type { RawResponse } from './raw-request.ts'

/** What Kong's log plugins write of one request. */
export interface LogLine {
  readonly [field: string]: unknown
  readonly request: { readonly headers: Readonly<Record<string, unknown>> }
  readonly response: { readonly status: number }
  readonly route?: { readonly name: string }
  readonly correlation_id?: string
}

/** Reads the gateway's log until the line is there that tells of the answer. */
export async function untilLogged(
  file: string,
  { headers }: Pick<RawResponse, 'headers'>,
): Promise<{ readonly line: LogLine; readonly lines: readonly LogLine[] }> {
  const id = headers['x-request-id']
  let lines: readonly LogLine[] = []
  const find = () => {
    const found = lines.find(({ correlation_id }) => correlation_id === id)
    if (id === undefined || !found) throw new Error(`no line tells of ${String(id)}`)
    return found
  }
  const written = async () => {
    lines = linesOf(await readFile(file, 'utf8'))
    find()
  }
  await untilReady(written, { patience: 10_000, signal: AbortSignal.timeout(20_000) })
  return { line: find(), lines }
}

/** The field at a path such as `request.headers.cookie`; undefined when there is none. */
export function fieldOf(line: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], line)
}

/** Beside them the gateway writes events of its own; the last line may be half there. */
function linesOf(log: string): readonly LogLine[] {
  const whole = log.slice(0, log.lastIndexOf('\n') + 1)
  return whole
    .split('\n')
    .filter(line => line.includes('"latencies"'))
    .map(line => JSON.parse(line) as LogLine)
}
