import { randomBytes } from 'node:crypto'
import { compact } from '../../support/signed-token.ts'

/**
 * Authorization values that are refused, in turn, each for another reason: none, a word, something
 * that was never seen before, and a token whose signature is another one each time.
 */
export function refusedTokens(url: string, kid: string): () => string | undefined {
  const fresh = (bytes: number) => randomBytes(bytes).toString('base64url')
  const claims = { iss: url, aud: `${url}/mcp`, sub: 'usr_nobody', sid: 'none', exp: 4_000_000_000 }
  const kinds = [
    () => undefined,
    () => 'Bearer nonsense',
    () => `Bearer ${fresh(32)}`,
    () => {
      const header = { alg: 'ES256', typ: 'at+jwt', kid }
      return `Bearer ${compact(header, { ...claims, jti: fresh(8) }, fresh(64))}`
    },
  ]
  let made = 0
  return () => {
    made += 1
    return kinds[made % kinds.length]?.()
  }
}
