import { randomBytes } from 'node:crypto'
import { createSigningKey } from '../../gateway/local/idp/identity-provider.ts'
import {
  newKeyId,
  newSecretKey,
  newSigningKey,
  type PrivateJwk,
} from '../../plugins/mcp-oidc/commands/keys/new-key.ts'
import type { Variable } from './environment-file.ts'

const secret = () => randomBytes(32).toString('base64url')
const ring = (...keys: readonly PrivateJwk[]) => JSON.stringify({ keys })

/** Whether it is this computer: only then may the development identity provider be used. */
export function isLoopback(url: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname)
}

/**
 * Everything that docker-compose.yml wants to be told, with new secrets. `now` in milliseconds.
 * The development identity provider is left out unless the public URL is this computer's.
 */
export async function newVariables(url: string, now: number): Promise<readonly Variable[]> {
  const local = isLoopback(url)
  return [
    {
      name: 'GATEWAY_URL',
      value: url,
      about: 'The public URL of the gateway, an origin: part of every token, so it stays as it is.',
    },
    {
      name: 'BIND_ADDRESS',
      value: local ? '127.0.0.1' : '0.0.0.0',
      about: 'The address of this computer and the port that TLS is at.',
    },
    { name: 'HTTPS_PORT', value: local ? '8443' : new URL(url).port || '443' },
    ...(local
      ? [
          {
            name: 'COMPOSE_PROFILES',
            value: 'dev-idp',
            about: 'The development identity provider. Empty: config/kong.yml names yours.',
          },
        ]
      : []),
    { name: 'POSTGRES_PASSWORD', value: secret(), about: 'Passwords of the parts beside us.' },
    { name: 'REDIS_PASSWORD', value: secret() },
    { name: 'GRAFANA_ADMIN_PASSWORD', value: secret() },
    {
      name: 'SIGNING_KEYS',
      value: ring(newSigningKey(newKeyId('signing', now))),
      about:
        'Key rings: docs/keys.md says how to rotate them. Without STORAGE_KEYS the database is lost.',
    },
    { name: 'STORAGE_KEYS', value: ring(newSecretKey(newKeyId('storage', now))) },
    { name: 'COOKIE_KEYS', value: ring(newSecretKey(newKeyId('cookie', now))) },
    { name: 'CONSOLE_COOKIE_KEYS', value: ring(newSecretKey(newKeyId('console', now))) },
    {
      name: 'CONSOLE_CLIENT_SECRET',
      value: secret(),
      about: 'What the console signs in to the gateway with.',
    },
    {
      name: 'LOG_INGEST_TOKEN',
      value: secret(),
      about: 'What http-log shows to the MCP server, if config/kong.yml has it.',
    },
    ...(local ? await developmentVariables() : []),
  ]
}

async function developmentVariables(): Promise<readonly Variable[]> {
  return [
    {
      name: 'DEV_IDP_CLIENT_SECRET',
      value: secret(),
      about: 'The development identity provider.',
    },
    { name: 'DEV_IDP_SIGNING_KEYS', value: JSON.stringify({ keys: [await createSigningKey()] }) },
    { name: 'DEV_IDP_COOKIE_KEY', value: secret() },
  ]
}
