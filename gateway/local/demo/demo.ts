import {
  Client,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'
import { z } from 'zod'
import { createBrowser } from './browser.ts'
import { OAuthClient } from './oauth-client.ts'
import * as person from './person.ts'
import { createSteps, type Step, type Steps } from './steps.ts'

export interface DemoOptions {
  /** The gateway's public URL. */
  readonly url: string
  readonly user: string
  readonly password: string
  /** Which org to connect for, when the user has several; the first one without it. */
  readonly org?: string
  /** Hears of each step as it ends. */
  readonly report?: (step: Step) => void
}

const Whoami = z.object({
  user_id: z.string(),
  email: z.string(),
  org_id: z.string(),
  roles: z.array(z.string()),
  client_id: z.string(),
  scope: z.string(),
})
const Found = z.object({ companies: z.array(z.object({ name: z.string() })).min(1) })

export interface DemoResult {
  /** Whether every step passed. */
  readonly ok: boolean
  readonly steps: readonly Step[]
  readonly whoami: z.output<typeof Whoami> | undefined
}

/** Nothing listens there: the redirect's Location is all the client needs. */
const redirect_uri = 'http://localhost:53682/callback'
/** Milliseconds for one answer. */
const patience = 15_000

/**
 * A person and an AI client connect through a gateway and call tools: the MCP SDK's client, and a
 * browser stand-in. Never rejects; a failed step ends the run and says what was got.
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const url = new URL(options.url).origin
  const steps = createSteps(url, options.report ?? (() => undefined), () => performance.now())
  let whoami: DemoResult['whoami']
  try {
    const oauth = new OAuthClient(redirect_uri, {
      discovered: () => steps.pass('discovery', `issuer ${oauth.issuer ?? url}`),
      registered: client => steps.pass('registration', `client ${client.client_id}`),
    })
    const connection = () => connectionTo(new URL('/mcp', url), oauth, steps)
    const { transport } = await authorize(connection())
    const callback = await approve(oauth, steps, options)
    await transport.finishAuth(callback)
    const { scope, expires_in = 0, refresh_token } = oauth.tokens() ?? {}
    const renewable = refresh_token === undefined ? 'no refresh token' : 'refresh token'
    steps.pass('token', `${scope ?? 'no scope'}, for ${expires_in} s, ${renewable}`)
    whoami = await callTools(connection(), steps, options.user)
  } catch (error) {
    steps.fail(error)
  }
  return {
    ok: steps.next === undefined && steps.done.every(step => step.ok),
    steps: steps.done,
    whoami,
  }
}

interface Connection {
  readonly client: Client
  readonly transport: StreamableHTTPClientTransport
}

function connectionTo(mcp: URL, authProvider: OAuthClient, steps: Steps): Connection {
  const transport = new StreamableHTTPClientTransport(mcp, { authProvider, fetch: observed(steps) })
  const client = new Client(
    { name: 'demo-client', version: '1.0.0' },
    { versionNegotiation: { mode: 'auto' } },
  )
  return { client, transport }
}

/** The first request has no token: the answer makes the SDK discover, register and ask to sign in. */
async function authorize(connection: Connection): Promise<Connection> {
  try {
    await connection.client.connect(connection.transport)
  } catch (error) {
    if (error instanceof UnauthorizedError) return connection
    throw error
  }
  await connection.client.close()
  throw new Error('the gateway let a client in that has no token')
}

/** The person's part, up to the redirect that takes the code to the client. */
async function approve(oauth: OAuthClient, steps: Steps, options: DemoOptions) {
  const { authorization_url } = oauth
  if (!authorization_url) throw new Error('the SDK did not ask for authorization')
  const browser = createBrowser({
    intercept: url => url.href.startsWith(redirect_uri),
    fetch: observed(steps),
  })
  let page = await browser.open(authorization_url)
  if (page.intercepted) oauth.checkCallback(page.url)
  if (!person.providerForm(page))
    throw new person.WrongPageError('the choice of an identity provider', page)
  steps.pass('authorize', page.title ?? page.url.pathname)

  page = await person.chooseProvider(browser, page)
  page = await person.signIn(browser, page, options)
  if (!person.consentForm(page)) throw new person.WrongPageError('the consent page', page)
  steps.pass('sign-in', `${options.user}, then: ${page.title ?? page.url.pathname}`)

  page = await person.decide(browser, page, 'approve', options.org ?? person.firstOrg(page))
  if (!page.intercepted) throw new person.WrongPageError('the way back to the client', page)
  const callback = oauth.checkCallback(page.url)
  steps.pass('consent', 'code, state and issuer came back')
  return callback
}

async function callTools({ client, transport }: Connection, steps: Steps, user: string) {
  await client.connect(transport)
  try {
    const { tools } = await client.listTools()
    steps.pass('tools/list', tools.map(tool => tool.name).join(', '))

    const whoami = Whoami.parse(await call(client, 'whoami', {}))
    if (whoami.email !== user) throw new Error(`whoami says ${whoami.email}`)
    const roles = whoami.roles.join(', ') || 'no role'
    steps.pass('tools/call whoami', `${whoami.email}, ${whoami.org_id}, ${roles}`)

    const { companies } = Found.parse(await call(client, 'search_companies', { limit: 3 }))
    const names = companies.map(company => company.name).join(', ')
    steps.pass('tools/call search_companies', names)
    return whoami
  } finally {
    await client.close()
  }
}

async function call(client: Client, name: string, args: Record<string, unknown>): Promise<unknown> {
  const { content, isError, structuredContent } = await client.callTool({ name, arguments: args })
  if (isError) throw new Error(`the tool answered: ${JSON.stringify(content)}`)
  return structuredContent
}

function observed(steps: Steps) {
  return async (url: string | URL, init: RequestInit = {}): Promise<Response> => {
    // Streams stay open: only the wait for the answer's head is limited.
    const late = new AbortController()
    const timer = setTimeout(
      () => late.abort(new Error(`no answer within ${patience / 1000} s`)),
      patience,
    )
    try {
      const signals = init.signal ? [init.signal, late.signal] : [late.signal]
      const response = await fetch(url, { ...init, signal: AbortSignal.any(signals) })
      steps.saw(response.status)
      return response
    } finally {
      clearTimeout(timer)
    }
  }
}
