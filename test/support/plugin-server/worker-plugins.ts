import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryDirectory } from './temporary-directory.ts'

/**
 * A plugin that answers with the process that runs it and its configuration, does as the header
 * `x-do` says (`hang`, once; `wait`), and refuses the configuration `{"wrong": true}`.
 */
const plugin = `
import { mkdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
export const Name = 'telling'
export const Version = '1.0.0'
export const Priority = 1
export const Schema = [{ mark: { type: 'string' } }]
let counted = 0
function first() {
  try {
    mkdirSync(import.meta.dirname + '/hung')
    return true
  } catch {
    return false
  }
}
export const Metrics = {
  getMetricsAsJSON: () =>
    Promise.resolve([
      { name: 'told_total', help: 'x', type: 'counter', aggregator: 'sum', values: [{ value: counted, labels: {} }] },
      { name: 'here', help: 'x', type: 'gauge', aggregator: 'sum', values: [{ value: 1, labels: {} }] },
    ]),
}
export class Plugin {
  constructor(config) {
    if (config.wrong) throw new Error('wrong: it is said so\\nmark: it is missing')
    this.mark = config.mark
  }
  async access(kong) {
    const wanted = await kong.request.getHeader('x-do')
    if (wanted === 'hang' && first()) for (;;);
    if (wanted === 'wait') await pause(300)
    counted += 1
    await kong.response.exit(200, JSON.stringify({ pid: process.pid, mark: this.mark }))
  }
}
`

/** A directory of plugins with that one in it. */
export async function workerPlugins() {
  const directory = await temporaryDirectory()
  await mkdir(join(directory.path, 'telling'))
  await writeFile(join(directory.path, 'telling', 'index.ts'), plugin)
  return directory
}
