import { createConnection } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'

import { describe, expect, it } from '@jest/globals'

import { createServerMetrics } from '../../../../gateway/plugin-server/metrics.ts'
import { startPluginServer } from '../../../../gateway/plugin-server/server.ts'
import { KongPeer } from '../../../support/plugin-server/kong-peer.ts'
import { memoryLog } from '../../../support/plugin-server/memory-log.ts'
import { pluginModule } from '../../../support/plugin-server/plugin-module.ts'
import { temporaryDirectory } from '../../../support/plugin-server/temporary-directory.ts'

describe('the metrics of the plugin server', () => {
  it('O02 count events by how they ended, starts by result, and what is open', async () => {
    await using directory = await temporaryDirectory()
    const socket = join(directory.path, 's.sock')
    const metrics = createServerMetrics()
    let next: 'pass' | 'exit' | 'throw' | 'refuse' = 'pass'
    const module = pluginModule(
      async kong => {
        if (next === 'throw') throw new Error('a bug')
        if (next === 'exit') await kong.response.exit(401)
      },
      {
        start: () => {
          if (next === 'refuse') throw new Error('a wrong setting')
        },
      },
    )
    const server = await startPluginServer({ socket, module, log: memoryLog().log, metrics })
    const connect = async () => {
      const stream = createConnection({ path: socket })
      await once(stream, 'connect')
      return new KongPeer(stream)
    }
    const start = async () => {
      const peer = await connect()
      peer.send({
        sequence: 1,
        cmd_start_instance: { name: 'pbtest', config: Buffer.from('{}') },
      })
      return (await peer.readReturn()).instance_status?.instance_id ?? 0
    }
    const id = await start()
    next = 'refuse'
    await start()
    for (next of ['pass', 'pass', 'exit', 'throw'] as const) {
      const peer = await connect()
      peer.startEvent(id)
      if (next === 'pass') await peer.readReturn()
      else await peer.readExit()
      peer.stream.destroy()
    }
    const text = await metrics.registry.metrics()
    for (const line of [
      'plugin_server_events_total{outcome="continued"} 2',
      'plugin_server_events_total{outcome="exited"} 1',
      'plugin_server_events_total{outcome="failed"} 1',
      'plugin_server_event_seconds_count 4',
      'plugin_server_instance_starts_total{result="ok"} 1',
      'plugin_server_instance_starts_total{result="failed"} 1',
      'plugin_server_instances 2',
    ])
      expect(text.split('\n')).toContain(line)
    expect(text).toMatch(/^plugin_server_connections \d$/m)
    await server.close()
  })

  it('O02 time every event, however many there were since somebody asked', async () => {
    const metrics = createServerMetrics()
    for (const [events, sum] of [
      [1_000, 1_000],
      [3, 1_003],
    ] as const) {
      for (let i = 0; i < events; i += 1) metrics.event()('continued')
      const text = await metrics.registry.metrics()
      expect(text.split('\n')).toContain(`plugin_server_event_seconds_count ${sum}`)
      expect(text.split('\n')).toContain(`plugin_server_events_total{outcome="continued"} ${sum}`)
    }
  })
})
