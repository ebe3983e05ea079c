import { describe, expect, it } from '@jest/globals'
import { HeaderLines } from '../../../../../gateway/local/gateway/header-lines.ts'
import { response_transformer } from '../../../../../gateway/local/gateway/response-transformer.ts'
import { exchange } from './exchange.ts'
import { problemsOf, startPlugin } from './plugin.ts'

function transform(config: object, ...headers: string[]): string[] {
  const lines = new HeaderLines(headers)
  startPlugin(response_transformer, config).header_filter?.(exchange({}), lines)
  return lines.lines.map(line => line.join('='))
}

describe('response-transformer', () => {
  it.each([
    ['removes', { remove: { headers: ['Server', 'x-none'] } }, ['X-A=1', 'X-A=2']],
    ['renames', { rename: { headers: ['X-A:X-B', 'X-C:X-D'] } }, ['Server=up', 'X-B=1', 'X-B=2']],
    ['replaces', { replace: { headers: ['X-A:a:b', 'X-C:1'] } }, ['Server=up', 'X-A=a:b']],
    ['adds', { add: { headers: ['X-A:3', 'X-C:1'] } }, ['Server=up', 'X-A=1', 'X-A=2', 'X-C=1']],
    ['appends', { append: { headers: ['X-A:3'] } }, ['Server=up', 'X-A=1', 'X-A=2', 'X-A=3']],
    ['does nothing', {}, ['Server=up', 'X-A=1', 'X-A=2']],
  ])('%s headers', (_, config, expected) => {
    expect(transform(config, 'Server', 'up', 'X-A', '1', 'X-A', '2')).toEqual(expected)
  })

  it('judges what is there by what came, as Kong does', () => {
    const config = { remove: { headers: ['Server'] }, add: { headers: ['Server:x'] } }
    expect(transform(config, 'Server', 'up')).toEqual([])
  })

  it('O05 refuses what it does not do', () => {
    const config = {
      add: { headers: ['X-A', 'X A:1'], json: ['a:b'] },
      remove: { json: ['a'] },
      rename: { headers: ['X-A:'] },
      if_status: ['500'],
    }
    expect(problemsOf(response_transformer, config)).toEqual([
      'remove.json: the local gateway transforms headers only, no bodies',
      "rename.headers.0: is written 'old:new'",
      "add.headers.0: is written 'name:value'",
      'add.headers.1: is no header',
      'add.json: the local gateway transforms headers only, no bodies',
      ': Unrecognized key: "if_status"',
    ])
  })
})
