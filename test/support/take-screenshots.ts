import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startPostgres } from '../../gateway/local/postgres.ts'
import { freePorts } from '../../gateway/local/stack/ports.ts'
import { startStack } from '../../gateway/local/stack/stack.ts'
import { launchChromium } from '../browser/chromium.ts'
import { consentShown, enter, signIn } from '../browser/person.ts'
import { authorizationRequest, register } from './authorization-server.ts'
import { obtainTokens } from './oauth-flow.ts'
import { callWhoami } from './tool-call.ts'

/** `node test/support/take-screenshots.ts`: the pictures of docs/images, from a stack of its own. */
const image = (name: string) =>
  fileURLToPath(new URL(`../../docs/images/${name}.png`, import.meta.url))
const callback = 'https://claude.ai/api/mcp/auth_callback'

const folder = await mkdtemp(join(tmpdir(), 'mcp-oidc-pictures-'))
const postgres = await startPostgres({ data_directory: join(folder, 'postgres') })
const [port = 0, mcp_server_port = 0, idp_port = 0, console_port = 0] = await freePorts(4)
const stack = await startStack({
  ...{ port, mcp_server_port, idp_port, console_port },
  data_directory: join(folder, 'data'),
  database_url: postgres.url,
})
const browser = await launchChromium()
try {
  const { url } = stack
  for (const client_name of ['VS Code', 'Cursor']) {
    const { access_token } = await obtainTokens(url, { metadata: { client_name } })
    await callWhoami(url, { token: access_token })
  }
  const context = await browser.newContext({ viewport: { width: 900, height: 860 } })
  const page = await context.newPage()
  const { client_id } = await register(url, { client_name: 'Claude', redirect_uris: [callback] })
  await signIn(page, authorizationRequest(url, client_id, { redirect_uri: callback }).url)
  await consentShown(page)
  await page.screenshot({ path: image('consent'), fullPage: true })

  const other = await (
    await browser.newContext({ viewport: { width: 1000, height: 700 } })
  ).newPage()
  await other.goto(`${url}/console`)
  await other.locator('button[name=provider]').first().click()
  await enter(other, 'alice@acme.example')
  await other.waitForURL(/\/console/)
  await other.waitForLoadState()
  await other.screenshot({ path: image('console') })
} finally {
  await browser.close()
  await stack.stop()
  await postgres.stop()
  await rm(folder, { recursive: true, force: true })
}
process.exit(0)
