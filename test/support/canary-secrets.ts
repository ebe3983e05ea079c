import type { CanaryStack } from './canary-stack.ts'
import { wrong_password } from './canary-flow.ts'
import { type Recorded, valuesOf } from './http-recorder.ts'
import type { Secret } from './secret-search.ts'

export type Kind =
  | 'key'
  | 'database password'
  | 'password'
  | 'cookie'
  | 'csrf'
  | 'state'
  | 'code'
  | 'verifier'
  | 'token'
  | 'client secret'
  | 'assertion'
  | 'company client secret'
  | 'company cookie'
  | 'company state'
  | 'company code'
  | 'company verifier'
  | 'company token'

export interface KnownSecret extends Secret {
  readonly kind: Kind
}

/** Everything secret that a stack was started with or that went over a wire. */
export function collectSecrets(stack: CanaryStack): readonly KnownSecret[] {
  const found = new Map<string, KnownSecret>()
  const add = (kind: Kind, name: string, value: string | Uint8Array | null | undefined) => {
    if (value === null || value === undefined || value.length < 12) return
    const key = typeof value === 'string' ? value : Buffer.from(value).toString('hex')
    if (!found.has(key)) found.set(key, { kind, name: `${kind} (${name})`, value })
  }
  const jwt = (kind: Kind, name: string, value: string | undefined) => {
    add(kind, name, value)
    add(kind, `signature of ${name}`, value?.split('.')[2])
  }
  fromStart(stack, add)
  const own_url = stack.url
  for (const { url, request_body, headers, body, status } of stack.client.exchanges) {
    const [path = ''] = url.split('?')
    cookies(headers, path, (name, value) => add('cookie', name, value))
    for (const place of valuesOf(headers, 'location')) {
      const { origin, searchParams } = new URL(place, own_url)
      add(
        stack.idp_origins.includes(origin) ? 'company state' : 'state',
        path,
        searchParams.get('state'),
      )
      add('code', path, searchParams.get('code'))
    }
    for (const [, value] of body.matchAll(/name="csrf" value="([^"]+)"/g)) add('csrf', path, value)
    if (path === '/token' || path === '/revoke') {
      const sent = new URLSearchParams(request_body)
      add('verifier', path, sent.get('code_verifier'))
      for (const name of ['code', 'refresh_token', 'token'])
        add('token', `${name} sent`, sent.get(name))
    }
    const answer = status < 300 ? members(body) : {}
    if (path === '/token')
      for (const name of ['access_token', 'refresh_token', 'id_token'])
        jwt('token', name, answer[name])
    if (path === '/register')
      for (const name of ['client_secret', 'registration_access_token'])
        add('client secret', name, answer[name])
  }
  for (const { url, request_body, headers, body } of stack.idp.exchanges) {
    const [path = ''] = url.split('?')
    cookies(headers, path, (name, value) => add('company cookie', name, value))
    for (const place of valuesOf(headers, 'location'))
      add('company code', path, new URL(place, own_url).searchParams.get('code'))
    if (path !== '/token') continue
    add('company verifier', path, new URLSearchParams(request_body).get('code_verifier'))
    for (const name of ['access_token', 'refresh_token', 'id_token'])
      jwt('company token', name, members(body)[name])
  }
  for (const { request_headers } of stack.upstream.exchanges)
    for (const value of valuesOf(request_headers, 'authorization'))
      jwt('assertion', 'to the MCP server', value.slice('Bearer '.length))
  return [...found.values()]
}

type Add = (kind: Kind, name: string, value: string | Uint8Array | undefined) => void

function fromStart({ keys, client_secret, database_url }: CanaryStack, add: Add): void {
  for (const [ring, value] of Object.entries(keys)) {
    if (typeof value === 'string') {
      add('key', ring, value)
      continue
    }
    for (const key of value.keys)
      for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) {
        const material = key[member]
        if (typeof material !== 'string') continue
        add('key', `${ring} ${member}`, material)
        add('key', `bytes of ${ring} ${member}`, Buffer.from(material, 'base64url'))
      }
  }
  add('company client secret', 'at start', client_secret)
  add('database password', 'at start', new URL(database_url).password)
  add('password', 'typed wrong', wrong_password)
}

/** A cookie that repeats the id in its own path is no secret: the signature beside it is. */
function cookies(
  headers: readonly string[],
  path: string,
  add: (name: string, value: string) => void,
): void {
  for (const cookie of valuesOf(headers, 'set-cookie')) {
    const [, name = '', value = '', attributes = ''] = /^([^=]+)=([^;]*)(.*)$/.exec(cookie) ?? []
    if (path.includes(value) || attributes.includes(`/${value};`)) continue
    if (headers.some(header => header.endsWith(`/connect/${value}`))) continue
    add(name, value)
  }
}

function members(body: string): Readonly<Record<string, string | undefined>> {
  try {
    return JSON.parse(body) as Record<string, string | undefined>
  } catch {
    return {} // a page: it has no tokens
  }
}

/** Where an answer of the gateway may carry which kinds, and nothing else anywhere. */
export function rightful(
  { url, status, headers }: Recorded,
  part: 'set-cookie' | 'location' | 'other headers' | 'body',
  { url: own, idp_origins }: Pick<CanaryStack, 'url' | 'idp_origins'>,
): readonly Kind[] {
  const [path = ''] = url.split('?')
  const [location = ''] = valuesOf(headers, 'location')
  // The console is a client as well, whose browser keeps what it began.
  const console_begins = path === '/console' && location.startsWith(`${own}/authorize?`)
  if (part === 'set-cookie') return console_begins ? ['cookie', 'state'] : ['cookie']
  if (part === 'location' || (part === 'body' && location !== '')) {
    if (console_begins) return ['state']
    const callbacks = ['http://127.0.0.1:53682/callback?', `${own}/console/callback?`]
    if (callbacks.some(callback => location.startsWith(callback))) return ['code', 'state']
    return idp_origins.some(origin => location.startsWith(`${origin}/auth?`))
      ? ['company state']
      : []
  }
  if (part !== 'body') return []
  if (path === '/token' && status === 200) return ['token']
  if (path === '/register' && status === 201) return ['client secret']
  const is_form = path.startsWith('/connect/') || path === '/console'
  return is_form && status === 200 ? ['csrf'] : []
}
