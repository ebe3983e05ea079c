import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import { loadConfiguration } from '../../../gateway/local/gateway/configuration.ts'
import { queryPlugin } from '../../../gateway/local/gateway/external-plugin.ts'
import type { Child } from '../../../gateway/local/stack/child.ts'
import { parseSigningKeys } from '../../../plugins/mcp-oidc/config/signing-keys.ts'
import type { LocalSystem } from '../local-system.ts'
import { plugin_server_program } from '../parts.ts'

/** What Kong would tell the plugin server of a route of config/kong.yml. */
export async function pluginConfig(system: LocalSystem<Child>, route: string): Promise<unknown> {
  const { config_file, environment } = system
  const { routes } = loadConfiguration(await readFile(config_file, 'utf8'), {
    environment,
    external_plugin: await queryPlugin(plugin_server_program),
  })
  const entity = routes
    .find(({ name }) => name === route)
    ?.plugins.find(({ kind }) => kind === 'external')
  if (!entity) throw new Error(`${config_file} has no mcp-oidc on the route ${route}`)
  return entity.config
}

/** As many tokens like this one as asked for, of the same connection, which no cache knows. */
export async function freshTokens(
  { keys }: LocalSystem<Child>,
  token: string,
  count: number,
): Promise<readonly string[]> {
  const [signing] = parseSigningKeys(JSON.stringify(keys.signing_keys))
  const header = { ...decodeProtectedHeader(token), alg: 'ES256' }
  const claims = decodeJwt(token)
  const tokens: string[] = []
  for (let index = 0; index < count; index += 1)
    tokens.push(
      await new SignJWT({ ...claims, jti: randomUUID() })
        .setProtectedHeader(header)
        .sign(signing.key),
    )
  return tokens
}
