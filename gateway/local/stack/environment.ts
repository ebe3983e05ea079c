import { createHmac } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import type { DevelopmentKeys } from './development-keys.ts'

/** What the vault references of config/kong.yml stand for: the environment of Kong. */
export function gatewayEnvironment(
  url: string,
  database_url: string,
  keys: DevelopmentKeys,
): Readonly<Record<string, string>> {
  return {
    GATEWAY_URL: url,
    DATABASE_URL: database_url,
    SIGNING_KEYS: JSON.stringify(keys.signing_keys),
    STORAGE_KEYS: JSON.stringify(keys.storage_keys),
    COOKIE_KEYS: JSON.stringify(keys.cookie_keys),
    DEV_IDP_CLIENT_SECRET: keys.dev_idp_client_secret,
    CONSOLE_CLIENT_SECRET: keys.console_client_secret,
  }
}

/** What the http-log of config/kong.yml needs, once its comments are taken away. */
export function logIngestEnvironment(
  mcp_server: string,
  { dev_idp_client_secret }: Pick<DevelopmentKeys, 'dev_idp_client_secret'>,
): Readonly<Record<'LOG_ENDPOINT' | 'LOG_INGEST_TOKEN', string>> {
  const token = createHmac('sha256', dev_idp_client_secret).update('log ingest')
  return { LOG_ENDPOINT: `${mcp_server}/kong-log`, LOG_INGEST_TOKEN: token.digest('base64url') }
}

/** Writes `NAME=value` lines, values as they are, as Docker's `--env-file` reads them. Mode 0600. */
export async function writeEnvironmentFile(
  file: string,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const lines = Object.entries(environment).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(file, lines.join(''), { mode: 0o600 })
}
