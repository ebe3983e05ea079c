import { connect, token } from '../support/authorization-server.ts'
import { callWhoami, type Whoami, whoamiOf } from '../support/tool-call.ts'

/** A token that was good when it was got, and whom the MCP server takes its bearer for. */
export interface SignedIn {
  readonly access_token: string
  readonly whoami: Whoami
}

/**
 * Somebody registers a client, signs in and approves, for `org` where there is a choice. Throws
 * unless the token then works and belongs to that person.
 */
export async function signInAs(url: string, email: string, org?: string): Promise<SignedIn> {
  const fields = org === undefined ? {} : { org }
  const { redemption } = await connect(url, email, {}, fields)
  const { body, status } = await token(url, redemption)
  if (status !== 200) throw new Error(`no token for ${email}: ${status} ${JSON.stringify(body)}`)
  const { access_token } = body
  const whoami = whoamiOf(await callWhoami(url, { token: access_token }))
  if (whoami.email !== email || (org !== undefined && whoami.org_id !== org))
    throw new Error(`signed in as ${email}, but whoami says ${JSON.stringify(whoami)}`)
  return { access_token, whoami }
}
