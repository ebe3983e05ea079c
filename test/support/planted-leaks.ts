import { authorizationRequest, openBrowser, register } from './authorization-server.ts'
import type { CanaryStack } from './canary-stack.ts'
import * as person from '../../gateway/local/demo/person.ts'
import { obtainTokens } from './oauth-flow.ts'
import { rawRequest } from './raw-request.ts'

/**
 * Puts a value where each part is known to log what it is given: a browser's name, the error that an
 * identity provider reports, and the name of a tool.
 */
export async function plantLeaks({ url, idp }: CanaryStack, value: string): Promise<void> {
  await rawRequest(url, '/jwks', { headers: ['User-Agent', `canary/${value}`] })

  const { client_id } = await register(url)
  const browser = openBrowser()
  const request = authorizationRequest(url, client_id)
  const form = await person.chooseProvider(browser, await browser.open(request.url), 'company')
  const leaving = form.hops.find(hop => hop.url.startsWith(`http://localhost:${idp.port}/`))
  const state = new URL(leaving?.url ?? '').searchParams.get('state') ?? ''
  await browser.open(`${url}/callback/company?error=${value}&state=${state}`)

  const { access_token } = await obtainTokens(url)
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: value } }
  await rawRequest(url, '/mcp', {
    method: 'POST',
    headers: [
      ...['Authorization', `Bearer ${access_token}`, 'Content-Type', 'application/json'],
      ...['Accept', 'application/json, text/event-stream'],
    ],
    body: JSON.stringify(body),
  })
}
