import type { RequestHandler } from 'express'

const allowed_headers =
  'Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id, Last-Event-ID'

/** Any origin may read the answer. */
export const cors_headers = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'WWW-Authenticate',
} as const

/** For endpoints that scripts in a browser call without cookies: any origin, never credentials. */
export const cors: RequestHandler = (req, res, next) => {
  for (const [name, value] of Object.entries(cors_headers)) res.setHeader(name, value)
  if (req.method !== 'OPTIONS') {
    next()
    return
  }
  res.setHeader('access-control-allow-methods', 'GET, POST, OPTIONS')
  res.setHeader('access-control-allow-headers', allowed_headers)
  res.setHeader('access-control-max-age', '3600')
  res.status(204).end()
}
