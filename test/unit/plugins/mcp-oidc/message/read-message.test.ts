import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { MessageProblem } from '../../../../../plugins/mcp-oidc/message/problem.ts'
import { readMessage } from '../../../../../plugins/mcp-oidc/message/read-message.ts'

const json = 'application/json'
const read = (body: string, type: string | undefined = json) => readMessage(type, Buffer.from(body))

function problemOf(act: () => unknown): MessageProblem {
  try {
    act()
  } catch (error) {
    if (error instanceof MessageProblem) return error
    throw error
  }
  throw new Error('was accepted')
}

const call = '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"whoami"}}'

describe('G06 the message of a request', () => {
  it('is read', () => {
    expect(read(call)).toEqual({ id: 7, method: 'tools/call', params: { name: 'whoami' } })
    expect(read('{"jsonrpc":"2.0","id":"a","result":{}}')).toEqual({
      id: 'a',
      method: undefined,
      params: {},
    })
    expect(read('', undefined)).toBeUndefined()
  })

  it.each([
    json,
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"; a=b',
  ])('comes as %s', type => {
    expect(read(call, type)?.method).toBe('tools/call')
  })

  it.each([
    undefined,
    'text/plain',
    'application/json-rpc',
    'application/jsonp',
    'text/html; application/json',
    'application/json; charset=utf-16',
    'application/x-www-form-urlencoded',
  ])('is refused as %s', type => {
    expect(problemOf(() => read(call, type ?? '')).status).toBe(415)
  })

  it('is refused under an encoding that a server would take off', () => {
    const under = (...encodings: string[]) => readMessage(json, Buffer.from(call), encodings)
    expect(under('Identity')?.method).toBe('tools/call')
    for (const encodings of [['br'], ['identity', 'gzip'], ['identity, br']])
      expect(problemOf(() => under(...encodings)).status).toBe(415)
  })

  it.each<[string, string | Uint8Array, number, number]>([
    ['a batch', `[${call}]`, 400, -32_600],
    ['an empty batch', '[]', 400, -32_600],
    ['null', 'null', 400, -32_600],
    ['a text', '"tools/call"', 400, -32_600],
    ['no JSON', '{method:"a"}', 400, -32_700],
    ['two messages', `${call}${call}`, 400, -32_700],
    ['a comment', `/**/${call}`, 400, -32_700],
    ['a byte order mark', `\ufeff${call}`, 400, -32_700],
    ['another encoding', Buffer.from(call, 'utf16le'), 400, -32_700],
    ['bytes that are no text', Buffer.from([0x22, 0xff, 0x22]), 400, -32_700],
    ['a member twice', '{"method":"a","method":"tools/call"}', 400, -32_600],
    ['a member twice, further in', '{"params":{"arguments":{"a":1,"A":2}}}', 400, -32_600],
    ['Method', '{"Method":"tools/call"}', 400, -32_600],
    ['PARAMS', '{"method":"a","PARAMS":{}}', 400, -32_600],
    ['Name', '{"method":"tools/call","params":{"Name":"whoami"}}', 400, -32_600],
    ['an escaped Name', String.raw`{"method":"a","params":{"\u004eame":"b"}}`, 400, -32_600],
    ['a method that is a list', '{"method":["tools/call"]}', 400, -32_600],
    ['params that are a list', '{"method":"tools/call","params":["whoami"]}', 400, -32_600],
    ['params that are a text', '{"method":"tools/call","params":"whoami"}', 400, -32_600],
    ['more than a mebibyte', `"${'x'.repeat(1_048_576)}"`, 413, -32_600],
    ['nesting without end', '['.repeat(20_000) + ']'.repeat(20_000), 400, -32_600],
  ])('is refused when it is %s', (_name, body, status, code) => {
    const problem = problemOf(() => readMessage(json, Buffer.from(body)))
    expect([problem.status, problem.code]).toEqual([status, code])
  })

  it('is read or refused, whatever the bytes are', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map(text => Buffer.from(text)),
    )
    fc.assert(
      fc.property(bytes, body => {
        try {
          const message = readMessage(json, body)
          if (message) expect(typeof message.params).toBe('object')
        } catch (error) {
          expect(error).toBeInstanceOf(MessageProblem)
        }
      }),
      { seed: 6, numRuns: 5_000 },
    )
  })
})
