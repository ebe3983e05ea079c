import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const url = (...protocols: string[]) =>
  z.string().refine(text => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    error: `must be a URL that starts with ${protocols.map(protocol => `${protocol}//`).join(' or ')}`,
  })

const origins = z.string().transform((text, context) =>
  text
    .split(',')
    .map(entry => entry.trim())
    .filter(entry => entry !== '')
    .map(entry => {
      if (URL.canParse(entry) && new URL(entry).origin === entry) return entry
      context.addIssue(`${entry} is not an origin, such as https://gateway.example.com`)
      return z.NEVER
    }),
)

/** A port, 0 for a free one, or off. */
const optionalPort = z.union([z.literal('off'), z.coerce.number().int().min(0).max(65_535)], {
  error: 'must be a port, or off',
})

/** What is used when the environment names no other. */
const permissions_yml = fileURLToPath(new URL('../config/permissions.yml', import.meta.url))

function isPrivate(text: string): boolean {
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}

const Variables = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
  DATABASE_URL: url('postgres:', 'postgresql:'),
  GATEWAY_URL: url('http:', 'https:').refine(text => !text.endsWith('/'), {
    error: 'must not end with a slash: it is compared with iss to the byte',
  }),
  JWKS_URL: url('http:', 'https:').optional(),
  UPSTREAM_AUDIENCE: z.string().min(1).default('mcp-server'),
  ALLOWED_ORIGINS: origins.optional(),
  AUDIT_REQUIRED: z.enum(['true', 'false'], { error: 'must be true or false' }).default('true'),
  METRICS_HOST: z.string().min(1).default('127.0.0.1'),
  METRICS_PORT: optionalPort.default(9465),
  OTEL_EXPORTER_OTLP_ENDPOINT: url('http:', 'https:').optional(),
  RESOURCE_PATH: z.string().regex(/^\//, 'must begin with a slash').default('/mcp'),
  PERMISSIONS_FILE: z.string().min(1).default(permissions_yml),
  PERMISSIONS_URL: url('http:', 'https:')
    .refine(isPrivate, 'must use https: it decides what people may do (http is for loopback)')
    .optional(),
  PERMISSIONS_TOKEN: z.string().min(16, 'must have at least 16 characters').optional(),
  LOG_INGEST_TOKEN: z.string().min(32, 'must have at least 32 characters').optional(),
})

/** The server's settings, frozen. */
export interface Environment {
  readonly host: string
  readonly port: number
  readonly database_url: string
  /** `iss` of every identity assertion. */
  readonly issuer: string
  readonly jwks_url: string
  /** `aud` of every identity assertion. */
  readonly audience: string
  readonly allowed_origins: readonly string[]
  /** Whether what cannot be recorded is refused. False is for those who fear an outage more. */
  readonly audit_required: boolean
  /** Where /metrics is served; undefined: nowhere. */
  readonly metrics: { readonly host: string; readonly port: number } | undefined
  /** Where spans are sent, by OTLP over HTTP; undefined: nowhere. */
  readonly otlp_endpoint: string | undefined
  /** Where a client learns how to ask for scopes (RFC 9728). */
  readonly resource_metadata: string
  readonly permissions_file: string
  /** The company's own API, in place of the roles of the file; undefined: the roles decide. */
  readonly permissions_api: { readonly url: string; readonly token: string } | undefined
  /** What Kong's http-log shows to have its refusals put on record; undefined: nobody can. */
  readonly log_ingest_token: string | undefined
}

/** Reads the environment. Throws a TypeError that lists every problem, and no value of a secret. */
export function parseEnvironment(variables: Record<string, string | undefined>): Environment {
  const { data, error } = Variables.safeParse(variables)
  const halves = half(variables)
  if (data === undefined || halves.length > 0) {
    const problems = [...(error?.issues ?? []), ...halves].map(
      ({ path, message, code }) =>
        `  ${path.join('.')}: ${isMissing(variables, path, code) ? 'is not set' : message}`,
    )
    throw new TypeError(`The environment is not usable:\n${problems.join('\n')}`)
  }
  return Object.freeze({
    host: data.HOST,
    port: data.PORT,
    database_url: data.DATABASE_URL,
    issuer: data.GATEWAY_URL,
    jwks_url: data.JWKS_URL ?? `${data.GATEWAY_URL}/jwks`,
    audience: data.UPSTREAM_AUDIENCE,
    allowed_origins: data.ALLOWED_ORIGINS ?? [new URL(data.GATEWAY_URL).origin],
    audit_required: data.AUDIT_REQUIRED === 'true',
    metrics:
      data.METRICS_PORT === 'off'
        ? undefined
        : { host: data.METRICS_HOST, port: data.METRICS_PORT },
    otlp_endpoint: data.OTEL_EXPORTER_OTLP_ENDPOINT,
    resource_metadata: `${data.GATEWAY_URL}/.well-known/oauth-protected-resource${data.RESOURCE_PATH}`,
    permissions_file: data.PERMISSIONS_FILE,
    permissions_api:
      data.PERMISSIONS_URL === undefined || data.PERMISSIONS_TOKEN === undefined
        ? undefined
        : { url: data.PERMISSIONS_URL, token: data.PERMISSIONS_TOKEN },
    log_ingest_token: data.LOG_INGEST_TOKEN,
  })
}

/** The API without its token, or the other way round: roles must not decide in its place. */
function half({
  PERMISSIONS_URL: url,
  PERMISSIONS_TOKEN: token,
}: Record<string, string | undefined>) {
  if ((url === undefined) === (token === undefined)) return []
  const [missing, given] =
    url === undefined
      ? ['PERMISSIONS_URL', 'PERMISSIONS_TOKEN']
      : ['PERMISSIONS_TOKEN', 'PERMISSIONS_URL']
  return [{ path: [missing], message: `is not set, and ${given} is`, code: 'custom' }]
}

const isMissing = (
  variables: Record<string, string | undefined>,
  [name]: PropertyKey[],
  code: string,
) => code === 'invalid_type' && variables[String(name)] === undefined
