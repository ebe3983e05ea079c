import type { IncomingHttpHeaders } from 'node:http'
import { BodyError } from './read-body.ts'

/** HeaderMismatch (MCP 2026-07-28, Streamable HTTP). */
const HEADER_MISMATCH = -32_020

/** The member of params that Mcp-Name repeats. */
const named_by: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
}

type Members = Readonly<Record<string, unknown>>

/**
 * Refuses a request of whatever era whose Mcp-Method or Mcp-Name says something else than its body:
 * what a gateway counts or allows by the one must be what runs by the other. Clients of older
 * revisions send neither, and are not asked to; whether one is missing is the SDK's to say.
 *
 * @throws BodyError
 */
export function refuseDisagreement(headers: IncomingHttpHeaders, body: unknown): void {
  const message = membersOf(body)
  const told_method = headers['mcp-method']
  if (told_method !== undefined && told_method !== message?.['method'])
    throw mismatch('Mcp-Method', 'method')
  const told_name = headers['mcp-name']
  if (told_name === undefined) return
  const method = message?.['method']
  const member = typeof method === 'string' ? named_by[method] : undefined
  // Of a method that we do not know nobody can say what its name would be; nothing runs by it either.
  if (member === undefined) return
  if (decoded(String(told_name)) !== membersOf(message?.['params'])?.[member])
    throw mismatch('Mcp-Name', `params.${member}`)
}

function membersOf(value: unknown): Members | undefined {
  return typeof value === 'object' && value !== null ? (value as Members) : undefined
}

/** `=?base64?…?=` carries what a header cannot; anything else stands for itself. */
function decoded(value: string): string | undefined {
  const base64 = /^=\?base64\?(.*)\?=$/.exec(value)?.[1]
  if (base64 === undefined) return value
  const bytes = Buffer.from(base64, 'base64')
  // One way to write it, or two servers may read two names.
  return bytes.toString('base64') === base64 ? bytes.toString('utf8') : undefined
}

function mismatch(header: string, member: string): BodyError {
  return new BodyError(
    400,
    HEADER_MISMATCH,
    `The header ${header} disagrees with ${member} in the body.`,
  )
}
