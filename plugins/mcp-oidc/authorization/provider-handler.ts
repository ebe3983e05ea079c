import type { RequestListener } from 'node:http'
import type { Request, RequestHandler, Response } from 'express'
import { inject } from 'light-my-request'
import type { Provider } from 'oidc-provider'
import type { Settings } from '../config/settings.ts'
import { type HttpRequest, providerRequest } from './provider-request.ts'

export interface ProviderResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** oidc-provider failed: the caller answers 503. The cause was logged where it happened. */
export class ProviderFailure extends Error {
  override readonly name = 'ProviderFailure'
}

const not_copied: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'transfer-encoding',
  'vary',
])

/** Asks oidc-provider in process, with the canonical request in place of the one that came. */
export async function askProvider(
  provider: Provider,
  settings: Settings,
  request: HttpRequest,
): Promise<ProviderResponse> {
  const { method, url, headers, body, ip } = providerRequest(request, settings)
  const response = await inject(listener(provider), {
    method: method as 'GET',
    url,
    headers,
    ...(ip === undefined ? {} : { remoteAddress: ip }),
    ...(body && body.length > 0 ? { payload: body } : {}),
  })
  // 503 is an answer of ours; whatever else it fails with is a failure.
  if (response.statusCode >= 500 && response.statusCode !== 503)
    throw new ProviderFailure(`oidc-provider answered ${response.statusCode}`)
  // A header that was set to nothing is not there.
  const kept = Object.entries(response.headers).filter(([name]) => !not_copied.has(name))
  return {
    status: response.statusCode,
    headers: Object.fromEntries(
      kept.map(([name, value]) => [name, typeof value === 'number' ? String(value) : value]),
    ),
    body: response.rawPayload,
  }
}

/** Composed once: whatever the provider uses was added before its first request. */
const listeners = new WeakMap<Provider, RequestListener>()

/** Koa reports its own failures; the promise is of no interest. */
function listener(provider: Provider): RequestListener {
  const known = listeners.get(provider)
  if (known) return known
  const callback = provider.callback()
  const made: RequestListener = (req, res) => void callback(req, res)
  listeners.set(provider, made)
  return made
}

/** Lets oidc-provider answer a route. */
export function providerHandler(provider: Provider, settings: Settings): RequestHandler {
  return async (req, res) => send(res, await answerByProvider(provider, settings, httpRequest(req)))
}

export async function answerByProvider(
  provider: Provider,
  settings: Settings,
  request: HttpRequest,
): Promise<ProviderResponse> {
  return challenged(await askProvider(provider, settings, request), settings)
}

/**
 * RFC 9110 15.5.2: every 401 has a challenge. oidc-provider gives none to a client that named itself
 * in the body.
 */
export function challenged(
  response: ProviderResponse,
  { issuer }: Pick<Settings, 'issuer'>,
): ProviderResponse {
  if (response.status !== 401 || response.headers['www-authenticate'] !== undefined) return response
  const headers = { ...response.headers, 'www-authenticate': `Basic realm="${issuer}"` }
  return { ...response, headers }
}

export function send(res: Response, { status, headers, body }: ProviderResponse): void {
  res.status(status)
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) res.setHeader(name, value)
  res.end(body)
}

export function httpRequest(req: Request): HttpRequest {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(req.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  const body: unknown = req.body
  const ip = req.socket.remoteAddress
  return {
    method: req.method,
    url: req.url,
    headers,
    ...(Buffer.isBuffer(body) ? { body } : {}),
    ...(ip === undefined ? {} : { ip }),
  }
}
