import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../../gateway/local/stack/ports.ts'
import { startStack } from '../../gateway/local/stack/stack.ts'
import { createTestDatabase } from './database.ts'

export interface OpenGateway {
  readonly url: string
  close(): Promise<void>
}

/**
 * The gateway that the end-to-end tests talk to: the one at GATEWAY_URL when that is set, else a
 * whole stack of this test file's own, on free ports, with a database and keys of its own.
 */
export async function openGateway(): Promise<OpenGateway> {
  const given = process.env['GATEWAY_URL']
  if (given !== undefined) return { url: new URL(given).origin, close: () => Promise.resolve() }

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
    const stack = await startStack({
      data_directory: join(folder, 'data'),
      port,
      mcp_server_port,
      idp_port,
      database_url: database.url,
      report: event => {
        if (event.type === 'complaint') complaints.push(`${event.part}: ${event.line}`)
      },
    })
    const close = async () => {
      await stack.stop()
      await remove()
    }
    return { url: stack.url, close }
  } catch (error) {
    await remove()
    const said = complaints.join('\n')
    throw new Error(`the stack did not start: ${String(error)}\n${said}`, { cause: error })
  }
}
