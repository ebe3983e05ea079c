import type { Child } from '../../../../gateway/local/stack/child.ts'
import { real_client, real_org } from '../../connections-scale/fill.ts'
import type { Filled } from '../../connections-scale/measure.ts'
import type { LocalSystem } from '../../local-system.ts'
import { tokenSigner } from '../../sign-access-token.ts'

/** A token for each connection that opens, which no plugin server has seen; other ones each time. */
export async function tokensOf(
  { keys, url }: LocalSystem<Child>,
  { real }: Filled,
): Promise<readonly string[]> {
  const sign = await tokenSigner(JSON.stringify(keys.signing_keys), url)
  const who = { org_id: real_org, client_id: real_client }
  const tokens: string[] = []
  for (const { id, user_id } of real)
    tokens.push(await sign({ connection_id: id, user_id, ...who }))
  return tokens
}
