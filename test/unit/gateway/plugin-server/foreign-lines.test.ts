import { EventEmitter } from 'node:events'

import { describe, expect, it } from '@jest/globals'

import * as of_mcp_server from '../../../../mcp-server/foreign-lines.ts'
import * as of_plugin_server from '../../../../gateway/plugin-server/foreign-lines.ts'
import { memoryLog } from '../../../support/plugin-server/memory-log.ts'

describe.each([
  ['the plugin server', of_plugin_server.logForeignLines],
  ['mcp-server', of_mcp_server.logForeignLines],
])('lines that %s did not write', (_name, logForeignLines) => {
  it('O03 become lines of its log, and only their words do', () => {
    const { log, lines } = memoryLog()
    const console = { info: (...printed: unknown[]) => printed }
    const process = new EventEmitter()
    let printed_by_node = 0
    process.on('warning', () => (printed_by_node += 1))
    logForeignLines(log, { console, process: process as unknown as NodeJS.Process })
    console.info('a notice', { client_secret: 'a secret' })
    process.emit('warning', new Error('too many listeners'))
    expect(lines).toMatchObject([
      { level: 30, msg: 'a notice', source: 'console' },
      { level: 40, msg: 'too many listeners', source: 'node' },
    ])
    expect(JSON.stringify(lines)).not.toContain('a secret')
    expect(printed_by_node).toBe(0)
  })
})
