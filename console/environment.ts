import { z } from 'zod'
import { parseKeyRing } from '../storage/key-ring.ts'

const url = (...protocols: string[]) =>
  z.string().refine(text => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    error: `must be a URL that starts with ${protocols.map(protocol => `${protocol}//`).join(' or ')}`,
  })

const ring = z.string().transform((text, context) => {
  try {
    return parseKeyRing(text)
  } catch (error) {
    // Its messages hold nothing of the keys.
    context.addIssue(error instanceof TypeError ? error.message : 'is not a JWKS')
    return z.NEVER
  }
})

const Variables = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(3001),
  DATABASE_URL: url('postgres:', 'postgresql:'),
  GATEWAY_URL: url('http:', 'https:').refine(
    text => URL.canParse(text) && new URL(text).origin === text,
    { error: 'must be an origin without a slash at its end: the issuer of the gateway' },
  ),
  GATEWAY_INTERNAL_URL: url('http:', 'https:').optional(),
  STORAGE_KEYS: ring,
  CONSOLE_COOKIE_KEYS: ring,
  CONSOLE_CLIENT_ID: z.string().min(1).default('console'),
  CONSOLE_CLIENT_SECRET: z.string().min(32, 'must have at least 32 characters'),
  ADMIN_ROLES: z
    .string()
    .transform(text =>
      text
        .split(',')
        .map(role => role.trim())
        .filter(role => role !== ''),
    )
    .default(['admin']),
  KONG_CONFIG: z.string().min(1).optional(),
  METRICS_HOST: z.string().min(1).default('127.0.0.1'),
  METRICS_PORT: z
    .union([z.literal('off'), z.coerce.number().int().min(0).max(65_535)], {
      error: 'must be a port, or off',
    })
    .default(9466),
})

/** The console's settings, frozen. */
export type Environment = Readonly<ReturnType<typeof parseEnvironment>>

/** Reads the environment. Throws a TypeError that lists every problem, and no value of a secret. */
export function parseEnvironment(variables: Record<string, string | undefined>) {
  const { data, error } = Variables.safeParse(variables)
  const problems = (error?.issues ?? []).map(({ path, message, code }) => {
    const missing = code === 'invalid_type' && variables[String(path[0])] === undefined
    return `  ${path.join('.')}: ${missing ? 'is not set' : message}`
  })
  if (data) problems.push(...sharedKeys(data))
  if (!data || problems.length > 0)
    throw new TypeError(`The environment is not usable:\n${problems.join('\n')}`)
  return Object.freeze({
    host: data.HOST,
    port: data.PORT,
    database_url: data.DATABASE_URL,
    /** The public URL of the gateway: the issuer, and the origin that the console is at. */
    gateway_url: data.GATEWAY_URL,
    /** Where the gateway is reached from here. */
    gateway_internal_url: data.GATEWAY_INTERNAL_URL ?? data.GATEWAY_URL,
    storage_keys: data.STORAGE_KEYS,
    cookie_keys: data.CONSOLE_COOKIE_KEYS,
    client_id: data.CONSOLE_CLIENT_ID,
    client_secret: data.CONSOLE_CLIENT_SECRET,
    /** Whoever has one of them at the identity provider answers for their orgs. */
    admin_roles: data.ADMIN_ROLES,
    /** The gateway's config/kong.yml, to show the limits that it declares; undefined: none are shown. */
    kong_config: data.KONG_CONFIG,
    /** Where /metrics is served; undefined: nowhere. */
    metrics:
      data.METRICS_PORT === 'off'
        ? undefined
        : { host: data.METRICS_HOST, port: data.METRICS_PORT },
  })
}

/** A key for one purpose is a key for that purpose alone. */
function sharedKeys({ STORAGE_KEYS, CONSOLE_COOKIE_KEYS }: z.output<typeof Variables>): string[] {
  const shared = CONSOLE_COOKIE_KEYS.some(({ key }) =>
    STORAGE_KEYS.some(other => Buffer.from(other.key).equals(key)),
  )
  return shared ? ['  CONSOLE_COOKIE_KEYS: a key is in STORAGE_KEYS too; make another one'] : []
}
