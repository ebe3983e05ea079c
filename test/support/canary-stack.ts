import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { YAMLSeq } from 'yaml'
import { parseDocument } from 'yaml'
import type { AddressInfo } from 'node:net'
import { createIdentityProvider } from '../../gateway/local/idp/identity-provider.ts'
import { loadDevelopmentKeys } from '../../gateway/local/stack/development-keys.ts'
import { usual } from '../../gateway/local/stack/kong-config.ts'
import { freePorts } from '../../gateway/local/stack/ports.ts'
import { startStack } from '../../gateway/local/stack/stack.ts'
import { openRecorder } from './http-recorder.ts'

const kong_yml = fileURLToPath(new URL('../../config/kong.yml', import.meta.url))

/**
 * A whole stack with its own PostgreSQL, of which everything can be read: what the gateway answers,
 * what it asks a second identity provider (`company`) and the MCP server, and every log.
 */
export async function openCanaryStack() {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-oidc-canary-'))
  await chmod(folder, 0o711)
  const data_directory = join(folder, 'data')
  const [port = 0, mcp_server_port = 0, idp_port = 0, console_port = 0] = await freePorts(4)
  const client = await openRecorder(() => port)
  const upstream = await openRecorder(() => mcp_server_port)
  const company = createServer()
  company.listen(0, '127.0.0.1')
  await once(company, 'listening')
  const idp = await openRecorder(() => (company.address() as AddressInfo).port)
  const url = `http://localhost:${client.port}`
  const issuer = `http://localhost:${idp.port}`
  const client_secret = randomBytes(24).toString('base64url')
  company.on(
    'request',
    await createIdentityProvider({
      issuer,
      client_secret,
      redirect_uris: [`${url}/callback/company`],
    }),
  )
  const config_file = join(folder, 'kong.yml')
  await writeFile(config_file, await configuration(issuer, client_secret, upstream.port))
  const stack = await startStack({
    workers: 1,
    data_directory,
    port,
    mcp_server_port,
    idp_port,
    console_port,
    url,
    config_file,
    metrics_ports: { plugin_server: 0, mcp_server: 0, console: 0 },
  })
  const environment = await readFile(stack.environment_file, 'utf8')
  const database_url = /^DATABASE_URL=(.*)$/m.exec(environment)?.[1] ?? ''
  const logs = async () => {
    const names = await readdir(stack.logs)
    const texts = await Promise.all(names.map(name => readFile(join(stack.logs, name), 'utf8')))
    return new Map(names.map((name, index) => [name, texts[index] ?? '']))
  }
  return {
    url,
    /** Between clients and the gateway. */
    client,
    /** Between the gateway and the identity provider `company`. */
    idp,
    /** Between the gateway and the MCP server. */
    upstream,
    /** Whose sign-in pages the gateway leads to. */
    idp_origins: [issuer, `http://localhost:${idp_port}`],
    client_secret,
    database_url,
    keys: await loadDevelopmentKeys(join(data_directory, 'keys.json')),
    /** By file. */
    logs,
    /** Ends every process; the logs are complete then. */
    stop: () => stack.stop(),
    async close() {
      await stack.stop()
      await Promise.all([client.close(), idp.close(), upstream.close()])
      company.closeAllConnections()
      company.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export type CanaryStack = Awaited<ReturnType<typeof openCanaryStack>>

/** The operator's file with a second identity provider, and a recorder before the MCP server. */
async function configuration(issuer: string, client_secret: string, upstream_port: number) {
  const document = parseDocument(await readFile(kong_yml, 'utf8'))
  const ignored = document.get('_ignore') as YAMLSeq
  document.addIn(['_ignore', 0, 'identity_providers'], {
    id: 'company',
    name: 'Company sign-in',
    issuer,
    client_id: 'mcp-oidc-gateway',
    client_secret,
    orgs: ['acme', 'globex'],
    org_claim: 'orgs',
    roles_claim: 'roles',
  })
  document.setIn(['services', 0, 'url'], `http://127.0.0.1:${upstream_port}`)
  // The stack looks for it, to put the real address in its place.
  ignored.add(document.createNode(usual.mcp_server))
  return document.toString()
}
