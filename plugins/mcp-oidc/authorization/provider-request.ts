import type { Asked } from '../audit.ts'
import { endpoints } from './endpoints.ts'
import type { Settings } from '../config/settings.ts'
import { isFirstParty } from './clients/pre-registered.ts'

export interface HttpRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer
  /** The client's address, as Kong sees it. */
  readonly ip?: string
}

/** Who asked, as the audit trail wants to know. */
export function askedBy({ headers, ip }: Pick<HttpRequest, 'headers' | 'ip'>): Asked {
  return { headers, socket: { remoteAddress: ip } }
}

type RequestSettings = Pick<Settings, 'issuer' | 'resource' | 'scopes' | 'secure' | 'clients'>

const passed_on: ReadonlySet<string> = new Set([
  'accept',
  'accept-language',
  'authorization',
  'content-type',
  'cookie',
  'user-agent',
  'x-request-id',
])

/**
 * The request oidc-provider gets to see: host and scheme of the configured issuer, whatever the
 * wire said (it builds URLs from them), and parameters in their canonical form.
 */
export function providerRequest(request: HttpRequest, settings: RequestSettings): HttpRequest {
  const at_authorization =
    pathOf(request.url) === endpoints.authorization ||
    request.url.startsWith(`${endpoints.authorization}/`)
  const { cookie, ...given } = passedOn(request.headers)
  const shown = at_authorization ? withoutSession(cookie) : cookie
  const headers = {
    ...given,
    ...(shown === undefined ? {} : { cookie: shown }),
    host: new URL(settings.issuer).host,
    'x-forwarded-proto': settings.secure ? 'https' : 'http',
  }
  if (request.method === 'GET' && pathOf(request.url) === endpoints.authorization) {
    const [path = '', query = ''] = split(request.url)
    // A page of ours gets none of the default scopes.
    const fill_scope = !isFirstParty(settings, new URLSearchParams(query).get('client_id') ?? '')
    return {
      ...request,
      headers,
      url: `${path}?${canonicalParameters(query, settings, { fill_scope })}`,
    }
  }
  if (request.method === 'POST' && pathOf(request.url) === endpoints.token && request.body) {
    const body = canonicalParameters(request.body.toString(), settings, { fill_scope: false })
    return { ...request, headers, body: Buffer.from(body) }
  }
  return { ...request, headers }
}

function passedOn(headers: HttpRequest['headers']): Partial<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => passed_on.has(name)))
}

/**
 * `resource` in any of the ways clients write it is the one canonical resource (RFC 8707 2); a
 * request that names none of our scopes gets the default ones. Anything else stays as it came.
 */
function canonicalParameters(
  query: string,
  settings: RequestSettings,
  { fill_scope }: { fill_scope: boolean },
): string {
  const parameters = new URLSearchParams(query)
  const resources = parameters.getAll('resource')
  if (resources.length > 0 && resources.every(resource => isOurs(resource, settings)))
    parameters.set('resource', settings.resource)
  if (fill_scope && parameters.getAll('scope').length <= 1)
    parameters.set('scope', scopeWithDefaults(parameters.get('scope'), settings))
  return parameters.toString()
}

function isOurs(resource: string, { resource: canonical, issuer }: RequestSettings): boolean {
  return [canonical, `${canonical}/`, issuer, `${issuer}/`].includes(resource)
}

function scopeWithDefaults(requested: string | null, { scopes }: RequestSettings): string {
  const asked = (requested ?? '').split(' ').filter(scope => scope !== '')
  if (scopes.some(scope => asked.includes(scope.name))) return asked.join(' ')
  return [...asked, ...scopes.filter(scope => scope.default).map(scope => scope.name)].join(' ')
}

/** Every connection makes its own trip to the identity provider, so an earlier session is not shown. */
function withoutSession(cookie: string | undefined): string | undefined {
  const kept = cookie
    ?.split(/;\s*/)
    .filter(pair => !/^(?:__Host-)?mcp_session(?:\.sig)?=/.test(pair))
  return kept && kept.length > 0 ? kept.join('; ') : undefined
}

/** The parameters of a request as oidc-provider gets to see them: whoever judges it judges these. */
export function queryOf(url: string): URLSearchParams {
  return new URLSearchParams(split(url)[1])
}

function split(url: string): readonly string[] {
  const mark = url.indexOf('?')
  return mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)]
}

function pathOf(url: string): string {
  return split(url)[0] ?? url
}
