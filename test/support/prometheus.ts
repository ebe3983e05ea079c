import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isScalar, parseDocument, visit } from 'yaml'
import { freePorts } from '../../gateway/local/stack/ports.ts'
import { alerts_yml, prometheus_yml } from './promql.ts'

export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

export interface RunningPrometheus {
  /** Throws with what Prometheus says when the expression is none. */
  query(expr: string): Promise<readonly Sample[]>
  get(path: string): Promise<unknown>
  stop(): Promise<void>
}

/**
 * Debian's prometheus with config/prometheus.yml, asking every second: the targets are moved to
 * where `targets` says (`kong:8100` → `127.0.0.1:41000`). Throws when one of them has no place.
 */
export async function startPrometheus(
  targets: Readonly<Record<string, string>>,
): Promise<RunningPrometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-oidc-prometheus-'))
  const [port = 0] = await freePorts(1)
  const document = parseDocument(await readFile(prometheus_yml, 'utf8'))
  document.setIn(['global', 'scrape_interval'], '1s')
  document.setIn(['global', 'scrape_timeout'], '1s')
  document.setIn(['global', 'evaluation_interval'], '1s')
  document.setIn(['rule_files'], [alerts_yml])
  visit(document, {
    Pair(_key, pair) {
      if (!isScalar(pair.key) || pair.key.value !== 'targets') return
      const names = (pair.value as { toJSON(): string[] }).toJSON()
      pair.value = document.createNode(
        names.map(name => {
          const place = targets[name]
          if (place === undefined) throw new Error(`nothing stands for ${name}`)
          return place
        }),
      )
    },
  })
  const config = join(folder, 'prometheus.yml')
  await writeFile(config, document.toString())
  const child = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = once(child, 'exit').then(
    ([code]) => `prometheus ended with ${String(code)}: ${said}`,
    (error: unknown) => `this needs Debian's package prometheus: ${String(error)}`,
  )
  const url = `http://127.0.0.1:${port}`
  const get = async (path: string): Promise<unknown> => {
    const answer = await fetch(`${url}${path}`)
    const { data, error } = (await answer.json()) as { data?: unknown; error?: string }
    if (!answer.ok) throw new Error(`${path}: ${error ?? answer.status}`)
    return data
  }
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await untilReady(url, ended)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    get,
    async query(expr) {
      const data = await get(`/api/v1/query?query=${encodeURIComponent(expr)}`)
      return (data as { result: readonly Sample[] }).result
    },
    stop,
  }
}

async function untilReady(url: string, ended: Promise<string>): Promise<void> {
  let over: string | undefined
  void ended.then(text => (over = text))
  for (;;) {
    const ready = await fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (ready) return
    if (over !== undefined) throw new Error(over)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
