import { type CallToolResult, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server'
import type { Logger } from 'pino'
import { argumentDigest } from '../audit/argument-digest.ts'
import type { Occurrence, Recorder } from '../audit/recorder.ts'
import type { Metrics, ToolOutcome } from '../metrics.ts'
import type { Access } from '../permissions/access.ts'
import { ToolError, type ToolErrorCode } from '../tools/tool-error.ts'
import type { CallerContext, Structured, Tool, ToolContext } from '../tools/tool.ts'
import type { RequestTrace } from '../tracing/tracer.ts'

export interface ToolCall {
  readonly name: string
  readonly arguments?: Record<string, unknown> | undefined
}

export interface Surroundings {
  readonly tools: readonly Tool[]
  /** Whether the request asks for the list of tools. */
  readonly lists: boolean
  readonly access: Access
  readonly context: CallerContext
  readonly recorder: Recorder
  readonly log: Logger
  /** Milliseconds. */
  readonly clock: () => number
  readonly metrics: Pick<Metrics, 'toolCall'>
  readonly trace: Pick<RequestTrace, 'span'>
}

/** What the request of a call offers: see ToolContext. */
export type CallRequest = Pick<ToolContext, 'signal' | 'progress'>

/** How a call ended; without a code, well. */
interface Ended {
  readonly outcome: 'ok' | 'error' | 'refused'
  readonly error_code?: Exclude<ToolOutcome, 'ok' | 'not_recorded'>
}

/** What was refused, not failed. */
const refusals: ReadonlySet<string> = new Set(['forbidden', 'insufficient_scope'])

/** A tool's name is on record up to this length; ours are shorter. */
const RECORDED_NAME = 100

/**
 * Runs a tool and gives its answer, which is on record by then, whatever it is; a call that writes
 * is on record before it begins. What cannot be recorded is not answered: the caller gets a
 * protocol error instead. An unknown tool is a protocol error too, everything else a tool error. What
 * the caller may not do is refused before the arguments are looked at, and once more with them. A call
 * that stops since nobody waits for it any more is on record as cancelled.
 */
export function callTool(
  surroundings: Surroundings,
  call: ToolCall,
  request: CallRequest,
): Promise<CallToolResult> {
  const tool = surroundings.tools.find(({ name }) => name === call.name)
  const ended = surroundings.metrics.toolCall(tool?.name)
  const attributes = { 'mcp.tool.name': tool?.name ?? 'unknown' }
  return surroundings.trace.span(`tools/call ${attributes['mcp.tool.name']}`, attributes, () =>
    answerCall(surroundings, tool, call, request, ended),
  )
}

async function answerCall(
  { access, context, recorder, log, clock }: Surroundings,
  tool: Tool | undefined,
  call: ToolCall,
  request: CallRequest,
  ended: (outcome: ToolOutcome) => void,
): Promise<CallToolResult> {
  const began = clock()
  const record = async (occurrence: Ended | { outcome: 'started' }) => {
    try {
      await onRecord(recorder, {
        type: 'tool_call',
        tool: call.name.slice(0, RECORDED_NAME),
        ...digestOf(call),
        ...(occurrence.outcome !== 'started' && { duration_ms: Math.round(clock() - began) }),
        ...occurrence,
      })
    } catch (error) {
      ended('not_recorded')
      throw error
    }
    if (occurrence.outcome !== 'started') ended(occurrence.error_code ?? 'ok')
  }
  if (tool === undefined) {
    await record({ outcome: 'refused', error_code: 'unknown_tool' })
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      'Unknown tool. Call tools/list for the tools there are.',
    )
  }
  let answer: Structured
  try {
    access.demand(tool.name)
    const prepared = tool.prepare(call.arguments)
    access.demand(tool.name, prepared.input)
    if (tool.writes) await record({ outcome: 'started' })
    request.signal.throwIfAborted()
    answer = await prepared.run({ ...context, ...request })
  } catch (error) {
    if (error instanceof ProtocolError) throw error
    if (request.signal.aborted && error === request.signal.reason) {
      await record({ outcome: 'error', error_code: 'cancelled' })
      throw error
    }
    const { code, message } = explain(error, log)
    await record({ outcome: refusals.has(code) ? 'refused' : 'error', error_code: code })
    return { isError: true, content: [{ type: 'text', text: message }] }
  }
  await record({ outcome: 'ok' })
  return { structuredContent: answer, content: [{ type: 'text', text: JSON.stringify(answer) }] }
}

async function onRecord(recorder: Recorder, occurrence: Occurrence): Promise<void> {
  try {
    await recorder.record(occurrence)
  } catch {
    // The recorder has logged why.
    throw new ProtocolError(
      ProtocolErrorCode.InternalError,
      'The call could not be recorded, and what is not on record is not answered. Try again later.',
    )
  }
}

function digestOf(call: ToolCall): { argument_digest?: string } {
  try {
    return { argument_digest: argumentDigest(call.arguments) }
  } catch (error) {
    // Too deep to digest. The tool's schema refuses them; the event says so without a digest.
    if (error instanceof RangeError) return {}
    throw error
  }
}

function explain(
  error: unknown,
  log: Logger,
): { code: ToolErrorCode | 'internal_error'; message: string } {
  if (error instanceof ToolError) return error
  log.error({ err: error }, 'a tool failed')
  return {
    code: 'internal_error',
    message: 'The tool failed, and not because of the arguments. Try again in a moment.',
  }
}
