import { randomBytes } from 'node:crypto'
import { forged_headers } from '../../support/forged-headers.ts'
import { compact } from '../../support/signed-token.ts'
import type { SignedIn } from '../access-token.ts'
import { toolCall } from '../tool-request.ts'

/** One request to make, and what may come of it. */
export interface Attempt {
  /** Whose token it carries; undefined: it carries no good one, and no tool may run for it. */
  readonly signed_in: SignedIn | undefined
  readonly headers: readonly string[]
  readonly body: string
}

/** Requests with a good token call this tool, all the others another one: the audit trail shows it. */
export const good_tool = 'whoami'
const other_tool = 'list_saved_lists'

/**
 * Requests without end: good tokens of everybody, none, and bad ones of several kinds, each with
 * identity headers forged in one spelling after the other.
 */
export function createAttempts(
  url: string,
  people: () => readonly SignedIn[],
  kid: string,
): () => Attempt {
  const good = (index: number) => () => {
    const everybody = people()
    const signed_in = everybody[index % everybody.length]
    if (!signed_in) throw new Error('nobody is signed in')
    return { signed_in, token: signed_in.access_token }
  }
  const bad = (token: () => string | undefined) => () => ({ signed_in: undefined, token: token() })
  const someone = () => people()[0]?.access_token ?? ''
  const kinds = [
    good(0),
    bad(() => undefined),
    good(1),
    bad(() => randomBytes(24).toString('base64url')),
    good(0),
    // Of a real token, with another signature.
    bad(() => someone().replace(/[^.]*$/, () => randomBytes(64).toString('base64url'))),
    good(1),
    bad(() => compact({ alg: 'none', typ: 'at+jwt' }, attacker(url))),
    good(0),
    // What the gateway itself would send to the MCP server, but for the signature.
    bad(() =>
      compact(
        { alg: 'ES256', typ: 'gateway-identity+jwt', kid },
        { ...attacker(url), aud: 'mcp-server' },
        randomBytes(64).toString('base64url'),
      ),
    ),
  ]
  let made = 0
  return () => {
    const kind = kinds[made % kinds.length]
    const [, forged = []] =
      forged_headers[Math.floor(made / kinds.length) % forged_headers.length] ?? []
    made += 1
    if (!kind) throw new Error('there is no kind of request left')
    const { signed_in, token } = kind()
    const authorization = token === undefined ? [] : ['Authorization', `Bearer ${token}`]
    return {
      signed_in,
      headers: [...authorization, ...forged],
      body: toolCall(signed_in ? good_tool : other_tool),
    }
  }
}

function attacker(url: string) {
  const now = Math.floor(Date.now() / 1000)
  return {
    ...{ iss: url, aud: `${url}/mcp`, sub: 'usr_attacker', org_id: 'globex', scope: 'mcp:tools' },
    ...{ email: 'carol@globex.example', roles: ['admin'], client_id: 'attacker' },
    ...{ sid: 'attacker', iat: now, exp: now + 60, jti: randomBytes(8).toString('hex') },
  }
}
