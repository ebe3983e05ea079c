import { describe, expect, it } from '@jest/globals'
import type { Headers } from '../../../../../gateway/plugin-server/pdk.ts'
import { refuseDisagreement } from '../../../../../plugins/mcp-oidc/message/agreement.ts'
import type { Message } from '../../../../../plugins/mcp-oidc/message/read-message.ts'

const call: Message = { id: 1, method: 'tools/call', params: { name: 'find_ö' } }
const read: Message = { id: 1, method: 'resources/read', params: { uri: 'a:b', name: 'x' } }
const list: Message = { id: 1, method: 'tools/list', params: { name: 'x' } }
const base64 = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`

describe('G06 headers and body', () => {
  it.each<[Headers, Message | undefined]>([
    [{}, call],
    [{}, undefined],
    [{ 'mcp-method': 'tools/call', 'mcp-name': 'find_ö' }, call],
    [{ 'mcp-name': base64('find_ö') }, call],
    [{ mcp_name: 'find_ö' }, call],
    [{ 'mcp-name': ['find_ö', base64('find_ö')] }, call],
    [{ 'mcp-method': 'resources/read', 'mcp-name': 'a:b' }, read],
    [{ 'mcp-method': 'tools/list' }, list],
    [{ 'mcp-session-id': 'x', 'x-mcp-name': 'y' }, call],
  ])('%j agree', (headers, message) => {
    expect(() => refuseDisagreement(headers, message)).not.toThrow()
  })

  it.each<[Headers, Message | undefined]>([
    [{ 'mcp-method': 'tools/list' }, call],
    [{ 'mcp-method': 'Tools/Call' }, call],
    [{ 'mcp-method': ['tools/call', 'tools/list'] }, call],
    [{ mcp_method: 'tools/list' }, call],
    [{ 'mcp-method': 'tools/call', MCP_METHOD: 'tools/list' }, call],
    [{ 'mcp-method': 'tools/call' }, undefined],
    [{ 'mcp-name': 'whoami' }, call],
    [{ 'mcp-name': base64('whoami') }, call],
    [{ 'mcp-name': base64('find_ö').replace('=?=', '?=') }, call],
    [{ 'mcp-name': `${base64('find_ö').slice(0, -2)}!?=` }, call],
    [{ 'mcp-name': 'x' }, list],
    [{ 'mcp-name': 'x' }, read],
    [{ 'mcp-name': 'x' }, undefined],
    [{ 'mcp-name': 'x' }, { id: 1, method: undefined, params: { name: 'x' } }],
    [{ 'mcp-name': '7' }, { ...call, params: { name: 7 } }],
  ])('%j do not', (headers, message) => {
    expect(() => refuseDisagreement(headers, message)).toThrow(
      expect.objectContaining({ status: 400, code: -32_020 }),
    )
  })
})
