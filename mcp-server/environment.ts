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
  METRICS_HOST: z.string().min(1).default('127.0.0.1'),
  METRICS_PORT: optionalPort.default(9465),
  OTEL_EXPORTER_OTLP_ENDPOINT: url('http:', 'https:').optional(),
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
  /** Where /metrics is served; undefined: nowhere. */
  readonly metrics: { readonly host: string; readonly port: number } | undefined
  /** Where spans are sent, by OTLP over HTTP; undefined: nowhere. */
  readonly otlp_endpoint: string | undefined
}

/** Reads the environment. Throws a TypeError that lists every problem, and no value of a secret. */
export function parseEnvironment(variables: Record<string, string | undefined>): Environment {
  const { data, error } = Variables.safeParse(variables)
  if (data === undefined) {
    const problems = error.issues.map(
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
    metrics:
      data.METRICS_PORT === 'off'
        ? undefined
        : { host: data.METRICS_HOST, port: data.METRICS_PORT },
    otlp_endpoint: data.OTEL_EXPORTER_OTLP_ENDPOINT,
  })
}

const isMissing = (
  variables: Record<string, string | undefined>,
  [name]: PropertyKey[],
  code: string,
) => code === 'invalid_type' && variables[String(name)] === undefined
