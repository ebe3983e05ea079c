import { acceptedFormat, type ErrorFormat } from './accepted-type.ts'
import type { Exchange, Exit } from './exchange.ts'
import { getRequestHeader, getRequestHeaders } from './request-headers.ts'

/** Kong reads the first hundred headers of a request. */
const MOST_HEADERS = 100

/** `error_default_type` of gateway/kong/kong.conf. */
const DEFAULT_TYPE = 'application/json'

/** nginx's own errors in Kong's words (kong/error_handlers.lua). */
const NGINX_MESSAGES = {
  400: 'Bad request',
  413: 'Payload too large',
  502: 'An invalid response was received from the upstream server',
  504: 'The upstream server is timing out',
} as const

type Asked = Pick<Exchange, 'headers' | 'request_id'>

/**
 * Kong's answer for an error of its own or of one of its plugins, as the client accepts it:
 * `kong.response.error` (3.9.3).
 */
export function errorExit(asked: Asked, status: number, message: string): Exit {
  const accept = getRequestHeaders(asked.headers, MOST_HEADERS)['accept']
  const format = acceptedFormat(typeof accept === 'object' ? accept.join(',') : accept)
  return write(format, status, message, asked.request_id)
}

/**
 * Kong's answer for an error that nginx met: 3.9.3, kong/error_handlers.lua. Without Accept the
 * Content-Type of the request says what the client reads.
 */
export function nginxErrorExit(asked: Asked, status: keyof typeof NGINX_MESSAGES): Exit {
  const { headers, request_id } = asked
  const accept =
    getRequestHeader(headers, 'accept') ?? getRequestHeader(headers, 'content-type') ?? DEFAULT_TYPE
  const message = NGINX_MESSAGES[status]
  // gRPC over HTTP/1.1 is none, so the message is not put into a header.
  if (accept.startsWith('application/grpc'))
    return { status, body: JSON.stringify({ message }), headers: { 'Content-Type': TYPES.json } }
  return write(acceptedFormat(accept), status, message, request_id)
}

const TYPES = {
  json: 'application/json; charset=utf-8',
  html: 'text/html; charset=utf-8',
  plain: 'text/plain; charset=utf-8',
  xml: 'application/xml; charset=utf-8',
} as const

/** Kong's ERROR_TEMPLATES, to the byte; like Kong they escape nothing. */
const TEMPLATES: Record<keyof typeof TYPES, (message: string, request_id: string) => string> = {
  json: (message, request_id) => `{
  "message":"${message}",
  "request_id":"${request_id}"
}`,
  html: (message, request_id) => `<!doctype html>
<html>
  <head>
    <meta charset="utf-8">
    <title>Error</title>
  </head>
  <body>
    <h1>Error</h1>
    <p>${message}.</p>
    <p>request_id: ${request_id}</p>
  </body>
</html>
`,
  plain: (message, request_id) => `${message}\nrequest_id: ${request_id}\n`,
  xml: (message, request_id) => `<?xml version="1.0" encoding="UTF-8"?>
<error>
  <message>${message}</message>
  <requestid>${request_id}</requestid>
</error>
`,
}

function write(format: ErrorFormat, status: number, message: string, request_id: string): Exit {
  if (format === 'none') return { status, body: '', headers: {} }
  const headers = { 'Content-Type': TYPES[format] }
  return { status, body: TEMPLATES[format](message, request_id), headers }
}
