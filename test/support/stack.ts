import { describe, expect, it } from '@jest/globals'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type DevelopmentKeys,
  loadDevelopmentKeys,
} from '../../gateway/local/stack/development-keys.ts'
import { freePorts } from '../../gateway/local/stack/ports.ts'
import { startStack } from '../../gateway/local/stack/stack.ts'
import { createTestDatabase } from './database.ts'

/** What only a stack of our own gives: a look behind the gateway. */
export interface OwnStack {
  readonly keys: DevelopmentKeys
  readonly database_url: string
  readonly mcp_server_url: string
  readonly idp_url: string
}

export interface OpenGateway {
  readonly url: string
  /** Undefined for the gateway at GATEWAY_URL. */
  readonly own: OwnStack | undefined
  close(): Promise<void>
}

const given = process.env['GATEWAY_URL']

/**
 * Tests that need to look behind the gateway. Against GATEWAY_URL they cannot run, and one test in
 * their place says so and why.
 */
export function describeOwnStack(name: string, needs: string, tests: () => void): void {
  if (given === undefined) describe(name, tests)
  else
    it(`${name}: not run against GATEWAY_URL, because it needs ${needs}`, () => {
      expect(given).toMatch(/^https?:/)
    })
}

/**
 * The gateway that the end-to-end tests talk to: the one at GATEWAY_URL when that is set, else a
 * whole stack of this test file's own, on free ports, with a database and keys of its own.
 */
export async function openGateway(): Promise<OpenGateway> {
  if (given !== undefined)
    return { url: new URL(given).origin, own: undefined, close: () => Promise.resolve() }

  const folder = await mkdtemp(join(tmpdir(), 'mcp-oidc-e2e-'))
  await chmod(folder, 0o711)
  const database = await createTestDatabase()
  const remove = async () => {
    await database.drop()
    await rm(folder, { recursive: true, force: true })
  }
  const complaints: string[] = []
  try {
    const [port = 0, mcp_server_port = 0, idp_port = 0] = await freePorts(3)
    const data_directory = join(folder, 'data')
    const stack = await startStack({
      data_directory,
      port,
      mcp_server_port,
      idp_port,
      database_url: database.url,
      report: event => {
        if (event.type === 'complaint') complaints.push(`${event.part}: ${event.line}`)
      },
    })
    const own: OwnStack = {
      keys: await loadDevelopmentKeys(join(data_directory, 'keys.json')),
      database_url: database.url,
      mcp_server_url: `http://127.0.0.1:${mcp_server_port}`,
      idp_url: `http://localhost:${idp_port}`,
    }
    const close = async () => {
      await stack.stop()
      await remove()
    }
    return { url: stack.url, own, close }
  } catch (error) {
    await remove()
    const said = complaints.join('\n')
    throw new Error(`the stack did not start: ${String(error)}\n${said}`, { cause: error })
  }
}

/** The look behind the gateway, for tests in a `describeOwnStack`. */
export function ownStack({ own }: OpenGateway): OwnStack {
  if (own === undefined) throw new Error('the gateway at GATEWAY_URL gives no look behind it')
  return own
}
