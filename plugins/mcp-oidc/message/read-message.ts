import { MessageProblem } from './problem.ts'
import { AmbiguousJson, refuseAmbiguousMembers } from './strict-json.ts'

/** The part of a JSON-RPC message that rules are about. */
export interface Message {
  readonly id: string | number | null
  /** Undefined in a response or an error that the client sends. */
  readonly method: string | undefined
  readonly params: Readonly<Record<string, unknown>>
}

/** Bytes; the same as in the MCP server and in config/kong.yml. */
export const most_message_bytes = 1_048_576

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads the one message of a request, strictly: what two readers could take for two different
 * messages is refused. Undefined when there is no body, as with GET.
 *
 * @throws MessageProblem
 */
export function readMessage(
  content_type: string | undefined,
  body: Uint8Array,
  content_encodings: readonly string[] = [],
): Message | undefined {
  if (body.length === 0) return undefined
  if (body.length > most_message_bytes)
    throw new MessageProblem(413, 'invalid_request', 'The body is larger than 1 MiB.')
  if (!isJson(content_type))
    throw new MessageProblem(
      415,
      'invalid_request',
      'The content type is to be application/json, in UTF-8.',
    )
  // What is JSON as it stands may be other JSON for a server that takes the encoding off.
  if (content_encodings.some(encoding => encoding.toLowerCase() !== 'identity'))
    throw new MessageProblem(415, 'invalid_request', 'The body is to come without an encoding.')
  const text = decode(body)
  const message = parse(text)
  if (Array.isArray(message))
    throw new MessageProblem(
      400,
      'invalid_request',
      'Send one JSON-RPC message at a time, not a batch.',
    )
  if (!isObject(message))
    throw new MessageProblem(400, 'invalid_request', 'The body is no JSON-RPC message.')
  return {
    id: typeof message.id === 'string' || typeof message.id === 'number' ? message.id : null,
    method: methodOf(message),
    params: paramsOf(message),
  }
}

/** In any case, with parameters; a charset other than UTF-8 would be another text. */
function isJson(content_type: string | undefined): boolean {
  const [type = '', ...parameters] = (content_type ?? '').toLowerCase().split(';')
  return (
    type.trim() === 'application/json' &&
    parameters
      .map(parameter => parameter.replaceAll(/["\s]/g, ''))
      .every(parameter => !parameter.startsWith('charset=') || parameter === 'charset=utf-8')
  )
}

function decode(body: Uint8Array): string {
  try {
    return utf8.decode(body)
  } catch {
    throw new MessageProblem(400, 'parse_error', 'The body is not UTF-8.')
  }
}

function parse(text: string): unknown {
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    throw new MessageProblem(400, 'parse_error', 'The body is not valid JSON.')
  }
  try {
    refuseAmbiguousMembers(text)
  } catch (error) {
    if (error instanceof AmbiguousJson || error instanceof RangeError)
      throw new MessageProblem(
        400,
        'invalid_request',
        `The body can be read in two ways: ${error.message}. Names that differ in case only count as one.`,
      )
    throw error
  }
  return message
}

/** The members that decide, by the spelling that nobody may vary. */
const envelope = ['jsonrpc', 'id', 'method', 'params', 'result', 'error']
const of_params = ['name', 'uri', 'arguments', '_meta']

function methodOf(message: Readonly<Record<string, unknown>>): string | undefined {
  refuseOtherSpellings(message, envelope)
  const { method } = message
  if (method === undefined || typeof method === 'string') return method
  throw new MessageProblem(400, 'invalid_request', 'method is to be a text.')
}

function paramsOf({ params }: Readonly<Record<string, unknown>>): Message['params'] {
  if (params === undefined) return {}
  if (!isObject(params))
    throw new MessageProblem(400, 'invalid_request', 'params is to be an object.')
  refuseOtherSpellings(params, of_params)
  return params
}

/** A reader that does not mind the case would take `Method` for `method`. */
function refuseOtherSpellings(
  object: Readonly<Record<string, unknown>>,
  names: readonly string[],
): void {
  const other = Object.keys(object).find(
    key => !names.includes(key) && names.includes(key.toUpperCase().toLowerCase()),
  )
  if (other !== undefined)
    throw new MessageProblem(
      400,
      'invalid_request',
      `The member "${other}" is spelled in lower case.`,
    )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
