import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openDatabase } from '../../../storage/database.ts'
import { migrate } from '../../../storage/migrate.ts'
import { startPostgres } from '../postgres.ts'
import { makeDataDirectory } from './data-directory.ts'
import { loadDevelopmentKeys } from './development-keys.ts'
import { gatewayEnvironment, logIngestEnvironment, writeEnvironmentFile } from './environment.ts'
import { kongConfigFor, usual } from './kong-config.ts'
import { startLocalGateway } from './local-gateway.ts'
import { answersAt, listensAt } from './readiness.ts'
import { socketPath } from './socket-path.ts'
import { createSupervisor, type StackEvent, type Supervisor } from './supervisor.ts'

export interface StackOptions {
  /** Keys, database, logs. */
  readonly data_directory: string
  /** The gateway's; Kong's, when it takes the local gateway's place. */
  readonly port: number
  readonly mcp_server_port: number
  readonly idp_port: number
  /** The console's; without it there is none, and nothing answers at `/console`. */
  readonly console_port?: number
  /** Where these serve their metrics; nowhere without it. */
  readonly metrics_ports?: {
    readonly plugin_server: number
    readonly mcp_server: number
    readonly console?: number
  }
  /** Where the gateway serves its metrics and status; nowhere without it. */
  readonly status_port?: number
  /** Processes of the plugin server; one for each processor without it. */
  readonly workers?: number
  /** Public URL of the gateway; `http://localhost:PORT` without it. */
  readonly url?: string | undefined
  /** False leaves out the local gateway and its plugin server: a Kong takes their place. */
  readonly gateway?: boolean
  /** A database that is there already, instead of one in the data directory. */
  readonly database_url?: string
  readonly config_file?: string
  /** Ends the start. */
  readonly signal?: AbortSignal
  readonly report?: (event: StackEvent) => void
}

export interface Stack {
  readonly url: string
  /** What a Kong in the local gateway's place needs: its environment, and its configuration. */
  readonly environment_file: string
  readonly config_file: string
  readonly logs: string
  /** Resolves, when a part ends by itself, with which one, how, and its last lines. */
  readonly failed: Promise<string>
  /**
   * Has the gateway read its configuration again. Rejects with everything that is wrong with it,
   * and nothing has changed then.
   */
  reload(): Promise<void>
  /** Stops everything in order and waits for it. */
  stop(): Promise<void>
}

const root = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/**
 * Starts the whole system on this computer: PostgreSQL, the development identity provider, the MCP
 * server, the console, the plugin server and the local gateway. Resolves when each of them answers. Rejects,
 * with everything stopped again, when one does not come up.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { report = () => undefined, signal } = options
  const data = await makeDataDirectory(options.data_directory)
  const logs = join(data, 'logs')
  const supervisor = createSupervisor({ logs, report, signal })
  try {
    const { failed } = supervisor
    return {
      ...(await bringUp(supervisor, data, options)),
      logs,
      failed,
      stop: () => supervisor.stop(),
    }
  } catch (error) {
    await supervisor.stop()
    throw error
  }
}

async function bringUp(supervisor: Supervisor, data: string, options: StackOptions) {
  const { idp_port, mcp_server_port, port, url = `http://localhost:${port}` } = options
  const idp = `http://localhost:${idp_port}`
  const mcp_server = `http://127.0.0.1:${mcp_server_port}`
  const { console_port } = options
  const console = console_port === undefined ? usual.console : `http://127.0.0.1:${console_port}`
  // Parts on this computer meet here, wherever the public URL leads.
  const gateway = options.gateway === false ? url : `http://127.0.0.1:${port}`
  const metrics_port = (of: keyof NonNullable<StackOptions['metrics_ports']>) =>
    String(options.metrics_ports?.[of] ?? 'off')
  const launch: Supervisor['launch'] = (child, probe) => supervisor.launch(child, probe)
  const step: Supervisor['step'] = (part, detail, start) => supervisor.step(part, detail, start)

  const key_file = join(data, 'keys.json')
  const keys = await step('keys', key_file, () => loadDevelopmentKeys(key_file))
  const database_url = options.database_url ?? (await startDatabase(supervisor, data))
  const kong_yml = options.config_file ?? root('config/kong.yml')
  const placed = () => kongConfigFor({ idp, mcp_server, console }, kong_yml, join(data, 'kong.yml'))
  const config_file = await placed()
  const log_ingest = logIngestEnvironment(mcp_server, keys)
  const environment = { ...gatewayEnvironment(url, database_url, keys), ...log_ingest }
  const environment_file = join(data, 'kong.env')
  await writeEnvironmentFile(environment_file, environment)

  const startIdp = () =>
    launch(
      {
        name: 'dev-idp',
        program: root('gateway/local/idp/main.ts'),
        environment: {
          PORT: String(idp_port),
          CLIENT_SECRET: keys.dev_idp_client_secret,
          REDIRECT_URIS: `${url}/callback/dev`,
          SIGNING_KEYS: JSON.stringify(keys.dev_idp_signing_keys),
          COOKIE_KEYS: keys.dev_idp_cookie_key,
        },
      },
      answersAt(`http://127.0.0.1:${idp_port}/.well-known/openid-configuration`),
    )
  const startMcpServer = () =>
    launch(
      {
        name: 'mcp-server',
        program: root('mcp-server/main.ts'),
        environment: {
          HOST: '127.0.0.1',
          PORT: String(mcp_server_port),
          DATABASE_URL: database_url,
          GATEWAY_URL: url,
          JWKS_URL: `${gateway}/jwks`,
          METRICS_PORT: metrics_port('mcp_server'),
          LOG_INGEST_TOKEN: log_ingest.LOG_INGEST_TOKEN,
        },
      },
      // It is not ready before it has the gateway's keys, and a Kong may come later.
      answersAt(`${mcp_server}/${options.gateway === false ? 'healthz' : 'readyz'}`),
    )
  const startConsole = () =>
    launch(
      {
        name: 'console',
        program: root('console/main.ts'),
        environment: {
          HOST: '127.0.0.1',
          PORT: String(console_port),
          DATABASE_URL: database_url,
          GATEWAY_URL: url,
          GATEWAY_INTERNAL_URL: gateway,
          STORAGE_KEYS: JSON.stringify(keys.storage_keys),
          CONSOLE_COOKIE_KEYS: JSON.stringify(keys.console_cookie_keys),
          CONSOLE_CLIENT_SECRET: keys.console_client_secret,
          KONG_CONFIG: config_file,
          METRICS_PORT: metrics_port('console'),
        },
      },
      answersAt(`${console}/readyz`),
    )
  let reload = (): Promise<void> =>
    Promise.reject(new Error('Kong has its own way to reload: kong reload'))
  const startGateway = async () => {
    const socket = await socketPath(supervisor, data)
    const workers = options.workers === undefined ? [] : ['--workers', String(options.workers)]
    await step('plugin server', socket, () =>
      launch(
        {
          name: 'plugin-server',
          program: root('gateway/plugin-server/main.ts'),
          args: ['--socket', socket, ...workers, '--metrics-port', metrics_port('plugin_server')],
          // Kong gives its plugin server none either.
          environment: {},
        },
        listensAt(socket),
      ),
    )
    await step('gateway', url, async () => {
      const log = supervisor.openLog('gateway')
      const running = await startLocalGateway({
        config_file,
        environment,
        plugin_server_socket: socket,
        port,
        status_port: options.status_port,
        log,
      })
      reload = async () => {
        await placed()
        await running.reload()
      }
      supervisor.add('gateway', () => running.close().then(() => log.close()))
      await supervisor.untilReady(answersAt(`${gateway}/.well-known/oauth-authorization-server`))
    })
  }
  await supervisor.together([
    step('development IdP', idp, startIdp),
    step('mcp-server', mcp_server, startMcpServer),
    ...(console_port === undefined ? [] : [step('console', `${url}/console`, startConsole)]),
    ...(options.gateway === false ? [] : [startGateway()]),
  ])
  return { url, config_file, environment_file, reload: () => reload() }
}

function startDatabase(supervisor: Supervisor, data: string): Promise<string> {
  const data_directory = join(data, 'postgres')
  return supervisor.step('PostgreSQL', data_directory, async () => {
    const log = supervisor.openLog('postgres')
    const postgres = await startPostgres({ data_directory, log: line => log.write(line) })
    supervisor.add('PostgreSQL', () => postgres.stop().then(() => log.close()))
    // Once, before the parts that would all do it.
    const db = openDatabase(postgres.url, { max: 1 })
    await migrate(db).finally(() => db.destroy())
    return postgres.url
  })
}
