import type { ServerResponse } from 'node:http'
import type { Exit } from './exchange.ts'
import { HeaderLines } from './header-lines.ts'

/** The last word on the headers of a response, whoever made it. */
export type FinishHeaders = (headers: HeaderLines) => void

/** Sends an answer of the gateway's or a plugin's. */
export function respond(response: ServerResponse, exit: Exit, finish: FinishHeaders): void {
  const body = Buffer.from(exit.body)
  const headers = new HeaderLines()
  headers.setAll(exit.headers)
  finish(headers)
  // What a plugin says about the body's framing is not its to say.
  headers.clear('Transfer-Encoding')
  headers.clear('Content-Length')
  if (exit.status !== 204 && exit.status !== 304) {
    headers.set('Content-Length', String(body.length))
  }
  response.writeHead(exit.status, headers.raw)
  response.end(body)
}
