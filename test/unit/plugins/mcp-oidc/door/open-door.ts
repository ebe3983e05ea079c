import type { KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import { parseConfig, type Settings } from '../../../../../plugins/mcp-oidc/config/settings.ts'
import { createDoor } from '../../../../../plugins/mcp-oidc/door/door.ts'
import { serveResource } from '../../../../../plugins/mcp-oidc/door/serve-resource.ts'
import { failClosed } from '../../../../../plugins/mcp-oidc/fail-closed.ts'
import type { Connection } from '../../../../../storage/connections.ts'
import { rawConfig } from '../../../../support/config.ts'
import { recordingLog, runPhase } from '../../../../support/fake-kong.ts'

export const { settings } = parseConfig(rawConfig())
export const start = Date.parse('2026-11-22T12:00:00Z')
export const seconds = start / 1000

export const connection: Connection = {
  id: 'con_1',
  user_id: 'usr_alice',
  org_id: 'acme',
  client_id: 'client-1',
  idp_id: 'dev',
  status: 'active',
  ended_reason: undefined,
  ended_at: undefined,
  created_at: new Date(start - 1000),
  last_used_at: undefined,
  expires_at: new Date(start + 86_400_000),
  profile: { email: 'alice@acme.example', roles: ['admin'], idp_sub: 'alice' },
}

export const claims = {
  sid: 'con_1',
  org_id: 'acme',
  client_id: 'client-1',
  scope: 'openid mcp:tools',
  jti: 'j1',
}

interface Shape {
  readonly claims?: object
  readonly header?: object
  readonly key?: KeyObject
  readonly alg?: string
}

/** A signed access token: a good one, but for what is asked for. */
export function token({
  claims: changed = {},
  header = {},
  key = settings.signing_keys[0].key,
  alg = 'ES256',
}: Shape = {}): Promise<string> {
  const payload = {
    ...claims,
    iss: settings.issuer,
    aud: settings.resource,
    sub: 'usr_alice',
    iat: seconds,
    exp: seconds + 600,
    ...changed,
  }
  return new SignJWT(JSON.parse(JSON.stringify(payload)) as Record<string, unknown>)
    .setProtectedHeader({ alg, typ: 'at+jwt', kid: settings.signing_keys[0].kid, ...header })
    .sign(key)
}

/** A door with a clock of its own, and what it is asked, counts and logs. */
export function openDoor(
  found: (id: string) => Promise<Connection | undefined> = () => Promise.resolve(connection),
  use: Settings = settings,
) {
  let now = start
  const door = createDoor(use, { connection: found, now: () => now })
  const log = recordingLog()
  const counted: object[] = []
  const audit = { refused: (refusal: object) => void counted.push(refusal) }
  return {
    log,
    counted,
    pass: (ms: number) => void (now += ms),
    ask: (authorization?: string, failing?: string) =>
      runPhase(
        kong => failClosed(kong, log, () => serveResource(kong, door, { audit, log })),
        authorization === undefined ? {} : { headers: { authorization } },
        failing,
      ),
  }
}
