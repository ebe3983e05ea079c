import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { freePorts } from '../../gateway/local/stack/ports.ts'
import { formOf, openBrowser, register, signIn } from '../support/authorization-server.ts'
import { type Results, readResults } from './results.ts'
import { program } from './run-suite.ts'

/**
 * Runs the authorization server scenarios against our issuer, as a client of its own, while alice signs
 * in and approves where the suite asks for a person with a browser.
 */
export async function runAuthorization(url: string, folder: string): Promise<Results> {
  await mkdir(folder, { recursive: true })
  const [port = 0] = await freePorts(1)
  const { client_id } = await register(url, {
    redirect_uris: [`http://127.0.0.1:${port}/callback`],
  })
  const child = spawn(
    process.execPath,
    [
      ...[program, 'authorization', '--url', url, '--client-id', client_id],
      ...['--resource', `${url}/mcp`, '--port', String(port), '--output-dir', folder],
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const exited = once(child, 'exit')
  try {
    for await (const line of createInterface({ input: child.stdout }))
      if (line.startsWith(`${url}/authorize?`)) await approveAsAlice(new URL(line))
  } finally {
    child.kill()
    await exited
  }
  return readResults(folder)
}

async function approveAsAlice(request: URL): Promise<void> {
  const browser = openBrowser()
  const consent = await signIn(browser, request)
  const { status, says } = await browser.submit(consent, formOf(consent), {
    press: { name: 'decision', value: 'approve' },
  })
  if (status !== 200) throw new Error(`the suite did not take the answer: ${status} "${says}"`)
}
