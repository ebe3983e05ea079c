import { runDemo } from '../demo/demo.ts'
import { stepLine } from '../demo/print-step.ts'
import { endpointInstructions, kongInstructions } from './instructions.ts'
import type { Options } from './options.ts'
import { takenPorts, type WantedPort } from './ports.ts'
import { startStack, type Stack } from './stack.ts'
import type { StackEvent } from './supervisor.ts'

const mcp_server_port = 3000
const console_port = 3001
const idp_port = 8400
const status_port = 8100
/** Taken ones are told in the logs and keep nothing from running. */
const metrics_ports = { plugin_server: 9464, mcp_server: 9465, console: 9466 } as const

export interface Surroundings {
  readonly data_directory: string
  readonly print: (text: string) => void
  /** Aborts when somebody wants it to end. */
  readonly signal: AbortSignal
  /** Is handed what to call when somebody wants the configuration to be read again. */
  readonly onReload?: (reload: () => void) => void
}

/**
 * Runs the stack until the signal aborts (0), or until a part fails (1): without one of them
 * nothing is served. A demo that fails is reported and leaves the stack up, to look into it.
 */
export async function runStack(
  options: Options,
  { data_directory, onReload, print, signal }: Surroundings,
): Promise<number> {
  const taken = await takenPorts(wantedPorts(options))
  if (taken.length > 0) {
    print(taken.join('\n'))
    return 1
  }
  const interrupted = new Promise<undefined>(resolve => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  const begun = performance.now()
  print('Starting')
  const stack = await startStack({
    ...options,
    data_directory,
    mcp_server_port,
    console_port,
    idp_port,
    metrics_ports,
    status_port,
    signal,
    report: event => print(eventLine(event)),
  })
  try {
    print(`Ready in ${((performance.now() - begun) / 1000).toFixed(1)} s`)
    onReload?.(() => void reload(stack, print))
    if (!options.gateway) print(kongInstructions(stack))
    if (options.demo) await Promise.race([demo(stack.url, print), stack.failed, interrupted])
    if (options.gateway && !signal.aborted) print(endpointInstructions(stack.url))
    const hint = options.gateway ? `kill -HUP ${process.pid} reloads config/kong.yml, ` : ''
    if (!signal.aborted) print(`Logs are in ${stack.logs}. ${hint}Ctrl-C stops everything.`)
    const failure = await Promise.race([interrupted, stack.failed])
    print(
      failure === undefined
        ? '\nStopping'
        : `\n${failure}\nStopping: nothing is served without it.`,
    )
    return failure === undefined ? 0 : 1
  } finally {
    await stack.stop()
    print('Stopped')
  }
}

/** What is wrong with the file is told, and the one before stays in force. */
async function reload(stack: Stack, print: (text: string) => void): Promise<void> {
  try {
    await stack.reload()
    print('Reloaded the configuration of the gateway')
  } catch (error) {
    print(`Not reloaded: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function demo(url: string, print: (text: string) => void): Promise<void> {
  const user = 'alice@acme.example'
  print(`\n${user} connects through ${url}`)
  const report = (step: Parameters<typeof stepLine>[0]) => print(stepLine(step))
  const { ok } = await runDemo({ url, user, password: 'password', report })
  if (!ok) print('  The flow does not work; what runs is left up to look into it.')
}

function wantedPorts({ gateway, port }: Options): readonly WantedPort[] {
  const stop = (port: number) => `Stop that program (lsof -i :${port} names it), then start again`
  return [
    ...(gateway
      ? [
          { port, what: 'the gateway', remedy: `${stop(port)}, or choose another with --port.` },
          { port: status_port, what: "the gateway's metrics", remedy: `${stop(status_port)}.` },
        ]
      : []),
    { port: mcp_server_port, what: 'the MCP server', remedy: `${stop(mcp_server_port)}.` },
    { port: console_port, what: 'the console', remedy: `${stop(console_port)}.` },
    { port: idp_port, what: 'the development identity provider', remedy: `${stop(idp_port)}.` },
  ]
}

function eventLine(event: StackEvent): string {
  if (event.type === 'complaint') return `  ! ${event.part}: ${event.line}`
  return `  ✓ ${event.part.padEnd(20)}${`${event.duration_ms} ms`.padStart(9)}  ${event.detail}`
}
