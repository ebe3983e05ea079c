import type { Headers } from '../../../gateway/plugin-server/pdk.ts'
import { MessageProblem } from './problem.ts'
import type { Message } from './read-message.ts'

/** The member of params that Mcp-Name repeats (MCP 2026-07-28, Streamable HTTP, "Request Headers"). */
const named_by: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
}

/**
 * Refuses a request whose Mcp-Method or Mcp-Name says something else than its body: whoever routes
 * or counts by the one must not be told a story about the other. Headers that are missing are the
 * MCP server's to miss, since older clients send none.
 *
 * @throws MessageProblem
 */
export function refuseDisagreement(headers: Headers, message: Message | undefined): void {
  for (const value of valuesOf(headers, 'mcp-method'))
    if (value !== message?.method) throw mismatch('Mcp-Method', 'method')
  for (const value of valuesOf(headers, 'mcp-name')) {
    const member = message?.method === undefined ? undefined : named_by[message.method]
    if (member === undefined || decoded(value) !== message?.params[member])
      throw mismatch('Mcp-Name', member === undefined ? 'method' : `params.${member}`)
  }
}

/** Of a header in all its spellings: a server may read `_` in a name as `-`. */
function valuesOf(headers: Headers, name: string): readonly string[] {
  return Object.entries(headers)
    .filter(([key]) => key.toLowerCase().replaceAll('_', '-') === name)
    .flatMap(([, value]) => value)
}

/** `=?base64?…?=` carries what a header cannot; anything else stands for itself. */
function decoded(value: string): string | undefined {
  const base64 = /^=\?base64\?(.*)\?=$/.exec(value)?.[1]
  if (base64 === undefined) return value
  const bytes = Buffer.from(base64, 'base64')
  // One way to write it, or two servers may read two names.
  return bytes.toString('base64') === base64 ? bytes.toString('utf8') : undefined
}

function mismatch(header: string, member: string): MessageProblem {
  return new MessageProblem(
    400,
    'header_mismatch',
    `The header ${header} disagrees with ${member} in the body.`,
  )
}
