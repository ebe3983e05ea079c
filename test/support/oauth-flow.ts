import type { Browser } from '../../gateway/local/demo/browser.ts'
import { authorizationRequest, callback, register, token } from './authorization-server.ts'
import { approve } from './person.ts'

export interface Flow {
  readonly user?: string
  /** RFC 7591 client metadata. */
  readonly metadata?: object
  /** The one of the authorization request; the port may be another than the registered one. */
  readonly redirect_uri?: string
  /** Authorization request parameters; undefined leaves one out. */
  readonly parameters?: Readonly<Record<string, string | undefined>>
  readonly browser?: Browser
}

/** A client that is registered and approved, with a code it has not redeemed yet. */
export async function authorize(
  url: string,
  {
    user = 'alice@acme.example',
    metadata = {},
    redirect_uri = callback,
    parameters,
    browser,
  }: Flow,
) {
  const client = await register(url, metadata)
  const request = authorizationRequest(url, client.client_id, { redirect_uri, ...parameters })
  const answer = await approve(request.url, {
    user,
    redirect_uri,
    ...(browser === undefined ? {} : { browser }),
  })
  const code = answer.get('code')
  if (code === null) throw new Error(`no code came back: ${answer.toString()}`)
  if (answer.get('state') !== request.state) throw new Error('a foreign state came back')
  const redemption = {
    grant_type: 'authorization_code',
    client_id: client.client_id,
    code,
    redirect_uri,
    code_verifier: request.code_verifier,
  }
  return { client, redemption }
}

/** A whole authorization, up to the tokens. Throws when the code is refused. */
export async function obtainTokens(url: string, flow: Flow = {}) {
  const { client, redemption } = await authorize(url, flow)
  const { status, body } = await token(url, redemption)
  if (status !== 200) throw new Error(`the code was refused: ${status} ${JSON.stringify(body)}`)
  return { client, ...body }
}

/** Redeems a refresh token as a public client. */
export function refresh(url: string, client_id: string, refresh_token: string) {
  return token(url, { grant_type: 'refresh_token', client_id, refresh_token })
}
