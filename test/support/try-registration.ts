import type { RequestListener } from 'node:http'
import { inject } from 'light-my-request'
import type { Own } from './redirect-oracle.ts'
import { unsafe } from './redirect-oracle.ts'

/**
 * What came of a registration: its answer, and what is wrong with that, with the body that got it.
 * The body goes to the app in process, as from the plugin. An Express app that was asked so once
 * answers no request that comes over HTTP: light-my-request exchanges the prototypes of its requests.
 */
export async function tryRegistration(
  app: RequestListener,
  body: string,
  own: Own,
): Promise<{
  readonly status: number
  readonly payload: string
  readonly wrong: string | undefined
}> {
  const {
    statusCode: status,
    payload,
    headers,
  } = await inject(app, {
    method: 'POST',
    url: '/register',
    headers: { 'content-type': 'application/json' },
    payload: body,
  })
  const wrong = problem({ status, payload, body, type: String(headers['content-type']) }, own)
  return { status, payload, wrong }
}

interface Answered {
  readonly status: number
  readonly payload: string
  readonly type: string
  readonly body: string
}

/** Members that the gateway serves no client with. */
const not_kept = [
  'post_logout_redirect_uris',
  'sector_identifier_uri',
  'backchannel_logout_uri',
  'jwks_uri',
]

function problem({ status, payload, type, body }: Answered, own: Own): string | undefined {
  const said = `${status} ${payload} to ${body}`
  if (status !== 201 && status !== 400 && status !== 413)
    return `neither accepted nor refused: ${said}`
  if (!type.startsWith('application/json')) return `not JSON: ${said}`
  const answer = JSON.parse(payload) as Readonly<Record<string, unknown>>
  if (status !== 201)
    return typeof answer['error'] === 'string' && typeof answer['error_description'] === 'string'
      ? undefined
      : `no OAuth error: ${said}`
  const { redirect_uris } = answer as { redirect_uris: readonly string[] }
  const sent = (JSON.parse(body) as { redirect_uris: readonly string[] }).redirect_uris
  const bad = redirect_uris.find(uri => unsafe(uri, own) !== undefined || !sent.includes(uri))
  if (bad !== undefined) return `${bad} was accepted: ${said}`
  if (Object.values(answer).includes(null)) return `a null member: ${said}`
  const kept = not_kept.find(name => name in answer && JSON.stringify(answer[name]) !== '[]')
  return kept === undefined ? undefined : `${kept} was kept: ${said}`
}
