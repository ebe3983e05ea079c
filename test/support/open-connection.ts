import { expect } from '@jest/globals'
import { connect, token, type Tokens } from './authorization-server.ts'
import { connectionOf } from './token-claims.ts'

/** What a client holds once somebody has signed in for it. */
export interface OpenConnection extends Tokens {
  readonly client_id: string
  readonly connection_id: string
}

/** Takes a new client through a whole authorization, as `connect`, and redeems its code. */
export async function openConnection(...how: Parameters<typeof connect>): Promise<OpenConnection> {
  const { redemption, client_id } = await connect(...how)
  const { status, body } = await token(how[0], redemption)
  expect(status).toBe(200)
  return { client_id, ...body, connection_id: connectionOf(body) }
}

/** At one gateway of several, or at the one there is. */
export const refresh = (
  { url }: { readonly url: string },
  { client_id, refresh_token }: Pick<OpenConnection, 'client_id' | 'refresh_token'>,
) => token(url, { grant_type: 'refresh_token', client_id, refresh_token })
