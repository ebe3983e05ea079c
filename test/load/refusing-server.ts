import { pino } from 'pino'

import { startPluginServer } from '../../gateway/plugin-server/server.ts'
import { pluginModule } from '../support/plugin-server/plugin-module.ts'

/*
 * A plugin server whose plugin refuses every request. Run by refused-requests.ts with --expose-gc and
 * an IPC channel, over which it tells its resident memory (bytes) after a forced collection.
 */
const [, , socket = ''] = process.argv
const module = pluginModule(async kong => {
  await kong.request.getHeader('authorization')
  await kong.response.exit(401, '{"error":"invalid_token"}', {
    'content-type': 'application/json',
    'www-authenticate': 'Bearer error="invalid_token"',
  })
})
const log = pino({ level: 'error' })
const server = await startPluginServer({ socket, module, log, now: Date.now })

// V8 keeps the pages of its young generation after an ordinary forced collection, however empty they
// are. The last-resort kind gives back what is free, so that what stays resident is what is held.
const collect = global.gc
if (!collect) throw new Error('run with --expose-gc')
process.on('message', () => {
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  process.send?.(process.memoryUsage.rss())
})
process.once('disconnect', () => {
  void server.close()
})
process.send?.('ready')
