import express, { type Request, type RequestHandler, type Response } from 'express'
import { INVALID_REQUEST, PARSE_ERROR } from '@modelcontextprotocol/server'
import type { RpcError } from './record-refusal.ts'

/** Bytes. */
const MAX_BODY = 1_048_576

const parse: RequestHandler = express.json({
  limit: MAX_BODY,
  strict: false,
  type: 'application/json',
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
 * Reads a JSON body of at most 1 MiB; undefined when there is none or it says it is not JSON, which
 * the SDK answers. Rejects with a BodyError for what is too large, not JSON after all, or a batch,
 * which no revision since 2025-06-18 has.
 */
export async function readBody(request: Request, response: Response): Promise<unknown> {
  const body: unknown = await new Promise((resolve, reject) => {
    parse(request, response, (error: unknown) => {
      if (error === undefined) resolve(request.body)
      else reject(bodyError(error))
    })
  })
  if (Array.isArray(body)) {
    throw new BodyError(400, INVALID_REQUEST, 'Send one JSON-RPC message at a time, not a batch.')
  }
  return body
}

function bodyError(error: unknown): Error {
  if (!(error instanceof Error) || !('type' in error) || !('status' in error)) {
    return error instanceof Error ? error : new Error('unreadable body', { cause: error })
  }
  if (error.type === 'entity.too.large') {
    return new BodyError(413, -32_000, 'The body is larger than 1 MiB.')
  }
  if (error.type === 'entity.parse.failed') {
    return new BodyError(400, PARSE_ERROR, 'The body is not valid JSON.')
  }
  const status = typeof error.status === 'number' ? error.status : 400
  return new BodyError(status, INVALID_REQUEST, 'The body cannot be read.')
}
