import fc from 'fast-check'
import { client_registrations } from './client-registrations.ts'
import { registered_uris, trickedUri } from './redirect-tricks.ts'

const nonsense: fc.Arbitrary<unknown> = fc.oneof(
  fc.anything({ maxDepth: 2 }),
  fc.constantFrom(null, '', [], {}, [null], [[]], 0, true, 'x'.repeat(5_000), Array(100).fill('x')),
)
const uris = fc.array(
  fc.oneof(
    { arbitrary: fc.constantFrom(...registered_uris), weight: 3 },
    { arbitrary: trickedUri(registered_uris), weight: 1 },
  ),
  { minLength: 1, maxLength: 4 },
)
const name = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 210 }),
  fc.constantFrom('Claude', '</h1>'),
)
const link = fc.oneof(trickedUri(registered_uris), fc.webUrl())

const members: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  client_name: name,
  client_uri: link,
  logo_uri: link,
  policy_uri: link,
  tos_uri: link,
  jwks_uri: link,
  post_logout_redirect_uris: uris,
  sector_identifier_uri: link,
  initiate_login_uri: link,
  backchannel_logout_uri: link,
  grant_types: fc.constantFrom(['authorization_code'], ['implicit'], ['client_credentials'], []),
  response_types: fc.constantFrom(['code'], ['token'], ['code', 'id_token'], []),
  token_endpoint_auth_method: fc.constantFrom(
    'none',
    'client_secret_basic',
    'private_key_jwt',
    'x',
  ),
  application_type: fc.constantFrom('native', 'web', 'service', null),
  scope: fc.constantFrom('mcp:tools', 'openid email', '', 'everything'),
  subject_type: fc.constantFrom('public', 'pairwise'),
  client_id: fc.constantFrom('dcr_x', 'https://claude.ai/client.json'),
  client_secret: fc.string(),
  software_statement: fc.string(),
  __proto__x: nonsense,
}

const broken = fc.option(
  fc.tuple(fc.constantFrom('redirect_uris', ...Object.keys(members)), nonsense),
  { freq: 3 },
)
/** One member beside the redirect URIs. */
const one = fc
  .constantFrom(...Object.keys(members))
  .chain(member => (members[member] ?? nonsense).map(value => ({ [member]: value })))

/** Much in one registration, so that members get in each other's way; most of these are refused. */
const crowded = fc
  .tuple(uris, fc.record(members, { requiredKeys: [] }), broken)
  .map(([redirect_uris, rest, one_broken]) => ({
    redirect_uris,
    ...rest,
    ...(one_broken ? { [one_broken[0]]: one_broken[1] } : {}),
  }))
const sparse = fc.tuple(uris, one).map(([redirect_uris, rest]) => ({ redirect_uris, ...rest }))

/** The text of a registration: a real one, one with tricks in it, or no registration at all. */
export const registrationBody: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...client_registrations)
      .map(({ metadata }) => JSON.stringify(metadata)),
  },
  { weight: 4, arbitrary: crowded.map(text) },
  { weight: 4, arbitrary: sparse.map(text) },
  {
    weight: 1,
    arbitrary: fc.oneof(
      fc.string(),
      nonsense.map(text),
      fc.json().map(json => json.slice(1)),
    ),
  },
)

/** As JSON; nothing at all for what JSON has no word for. */
function text(value: unknown): string {
  const plain = (_name: string, member: unknown) =>
    typeof member === 'bigint' || typeof member === 'symbol' ? String(member) : member
  try {
    return [JSON.stringify(value, plain)].join('')
  } catch {
    return '{"redirect_uris":'
  }
}
