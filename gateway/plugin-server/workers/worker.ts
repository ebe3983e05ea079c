import { pino } from 'pino'
import { collectDefaultMetrics } from 'prom-client'

import { createConnections } from '../connections.ts'
import { describeError } from '../describe-error.ts'
import { logForeignLines } from '../foreign-lines.ts'
import { Instances } from '../instances.ts'
import type { Lifecycle } from '../lifecycle.ts'
import { loadPlugin } from '../load-plugin.ts'
import { createServerMetrics } from '../metrics.ts'
import { readinessProblems } from '../readiness.ts'
import { openChannel } from './channel.ts'
import { beat_ms } from './messages.ts'
import type { CarriedMetrics, PrimaryRequests, WorkerRequests } from './messages.ts'

/**
 * One of the processes that serve Kong. The primary starts it, hands it connections, and ends it: a
 * worker without a primary ends, since nobody would tell it of instances any more.
 */
const [plugins_directory = '', worker = '', drain_ms = ''] = process.argv.slice(2)
// Not pino's own destination: once its reader is gone, that one never lets the process end.
const log = pino({ base: { service: 'plugin-server', worker: Number(worker) } }, process.stdout)
process.stdout.on('error', () => process.exit(1))
logForeignLines(log, { console, process })
let ending = false
process.on('disconnect', () => process.exit(ending ? 0 : 1))
// Sent to the whole group of processes: when we end is for the primary to say.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
// Requests fail closed while nobody serves them, and another worker takes our place: that beats going
// on in an unknown state.
process.on('uncaughtException', error => die(error, 'an exception was not caught'))

function die(error: unknown, message: string): never {
  log.fatal({ error: describeError(error) }, message)
  process.exit(1)
}

const module = await loadPlugin(plugins_directory).catch((error: unknown) =>
  die(error, 'the plugin cannot be loaded'),
)
const metrics = createServerMetrics()
collectDefaultMetrics({ register: metrics.registry })
const instances = new Instances({ module, log, drain_ms: Number(drain_ms) })
const lifecycle: Lifecycle = {
  start: (name, config) => primary.ask('start', { name, config }),
  close: instance => primary.ask('close', instance.id),
}
const connections = createConnections({ module, instances, lifecycle, log, metrics })
metrics.watch({
  instances: () => instances.running().length,
  connections: () => connections.size(),
})

async function carriedMetrics(): Promise<CarriedMetrics> {
  const own = await metrics.registry.getMetricsAsJSON()
  return [...own, ...((await module.Metrics?.getMetricsAsJSON()) ?? [])]
}

const answers: WorkerRequests = {
  open: starts => starts.map(start => instances.open(start)),
  close: async id => {
    const instance = instances.find(id)
    if (instance) await instances.close(instance)
  },
  metrics: carriedMetrics,
  problems: () => readinessProblems({ instances, ending: () => connections.ending(), log }),
  end: async () => {
    ending = true
    await connections.end()
    return carriedMetrics()
  },
}
const primary = openChannel<PrimaryRequests, WorkerRequests>(process, {
  answers,
  given: connection => {
    if (connection) connections.serve(connection)
    // In any case: the primary gives us nothing else before.
    primary.tell('taken', undefined)
  },
  failed: error => log.error({ error: describeError(error) }, 'the primary was not understood'),
})

primary.tell('beat', undefined)
setInterval(() => primary.tell('beat', undefined), beat_ms)
