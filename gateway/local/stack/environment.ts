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

/** Writes `NAME=value` lines, values as they are, as Docker's `--env-file` reads them. Mode 0600. */
export async function writeEnvironmentFile(
  file: string,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const lines = Object.entries(environment).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(file, lines.join(''), { mode: 0o600 })
}
