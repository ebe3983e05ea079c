import express, { type Request, type RequestHandler, type Response } from 'express'
import { INVALID_REQUEST, PARSE_ERROR } from '@modelcontextprotocol/server'
import type { RpcError } from './record-refusal.ts'
import { AmbiguousJson, refuseAmbiguousMembers } from './strict-json.ts'

/** Bytes. */
const MAX_BODY = 1_048_576

const read: RequestHandler = express.text({
  limit: MAX_BODY,
  type: 'application/json',
  defaultCharset: 'utf-8',
  // A compressed body can be made to be other JSON as it stands: a gateway would have looked at that.
  inflate: false,
})

/** A body nobody can go on with, and the answer to it. */
export class BodyError extends Error {
  readonly status: number
  readonly error: RpcError

  constructor(status: number, code: number, message: string) {
    super(message)
    this.name = 'BodyError'
    this.status = status
    this.error = { code, message }
  }
}

/**
 * Reads a JSON body of at most 1 MiB; undefined only for a request other than POST. Rejects with a
 * BodyError for what is missing, too large, not JSON, ambiguous, or a batch, which no revision since
 * 2025-06-18 has. Nobody reads after us: the SDK would, with more names for JSON and fewer checks.
 */
export async function readBody(request: Request, response: Response): Promise<unknown> {
  const text: unknown = await new Promise((resolve, reject) => {
    read(request, response, (error: unknown) => {
      if (error === undefined) resolve(request.body)
      else reject(bodyError(error))
    })
  })
  if (typeof text !== 'string' || text === '') {
    if (request.method !== 'POST') return undefined
    throw request.is('application/json') === false
      ? new BodyError(415, -32_000, 'Unsupported Media Type: Content-Type must be application/json')
      : new BodyError(400, PARSE_ERROR, 'There is no JSON body.')
  }
  const body = parse(text)
  if (Array.isArray(body)) {
    throw new BodyError(400, INVALID_REQUEST, 'Send one JSON-RPC message at a time, not a batch.')
  }
  return body
}

function parse(text: string): unknown {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw new BodyError(400, PARSE_ERROR, 'The body is not valid JSON.')
  }
  try {
    refuseAmbiguousMembers(text)
  } catch (error) {
    if (error instanceof AmbiguousJson)
      throw new BodyError(
        400,
        INVALID_REQUEST,
        `A member comes twice in one object: ${error.message}. Names that differ in case only count as one.`,
      )
    if (error instanceof RangeError)
      throw new BodyError(400, INVALID_REQUEST, 'The body is nested too deeply.')
    throw error
  }
  return body
}

function bodyError(error: unknown): Error {
  if (!(error instanceof Error) || !('status' in error)) {
    return error instanceof Error ? error : new Error('unreadable body', { cause: error })
  }
  if ('type' in error && error.type === 'entity.too.large') {
    return new BodyError(413, -32_000, 'The body is larger than 1 MiB.')
  }
  const status = typeof error.status === 'number' ? error.status : 400
  return new BodyError(status, INVALID_REQUEST, 'The body cannot be read.')
}
