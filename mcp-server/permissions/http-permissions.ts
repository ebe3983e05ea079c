import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import type { PermissionSource } from './permission-source.ts'

export interface HttpPermissionsOptions {
  /** Asked with POST; https, or http on loopback. */
  readonly url: string
  /** Sent as a bearer token, so that the API knows who asks. */
  readonly token: string
  /** Milliseconds until an answer counts as none. */
  readonly timeout: number
  /** Milliseconds that an answer is believed. Nothing else is: a failure is asked about again. */
  readonly max_age: number
  readonly clock: () => number
}

const most_answers = 10_000
const most_bytes = 64 * 1024

const Answer = z.object({ permissions: z.array(z.string().max(100)).max(1_000) })

/**
 * The company's own API says what somebody may do:
 * `POST {user_id, org_id, email, roles}` is answered `{"permissions": ["lists:write", …]}`.
 * Anything but status 200 with that shape within the time is a failure, and then nobody may do
 * anything. Callers that ask at the same moment share a request.
 */
export function httpPermissions(options: HttpPermissionsOptions): PermissionSource {
  const { clock, max_age } = options
  const known = new LRUCache<string, { permissions: ReadonlySet<string>; until: number }>({
    max: most_answers,
  })
  const asked = new Map<string, Promise<ReadonlySet<string>>>()
  return {
    permissionsOf({ user_id, org_id, email, roles }) {
      const question = JSON.stringify({ user_id, org_id, email, roles })
      const answer = known.get(question)
      if (answer && answer.until > clock()) return Promise.resolve(answer.permissions)
      let asking = asked.get(question)
      if (asking === undefined) {
        const began = clock()
        asking = ask(options, question)
          .then(permissions => {
            known.set(question, { permissions, until: began + max_age })
            return permissions
          })
          .finally(() => asked.delete(question))
        asked.set(question, asking)
      }
      return asking
    },
  }
}

async function ask(
  { url, token, timeout }: HttpPermissionsOptions,
  question: string,
): Promise<ReadonlySet<string>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      authorization: `Bearer ${token}`,
    },
    body: question,
    redirect: 'error',
    signal: AbortSignal.timeout(timeout),
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`the permissions API answered ${response.status}`)
  }
  return new Set(Answer.parse(JSON.parse(await text(response))).permissions)
}

async function text(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  const body: AsyncIterable<Uint8Array> | null = response.body
  if (body === null) return ''
  for await (const chunk of body) {
    length += chunk.length
    if (length > most_bytes)
      throw new Error(`the permissions API sent more than ${most_bytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
