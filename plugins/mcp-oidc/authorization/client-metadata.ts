import { z } from 'zod'
import { isNative, redirectUriProblem, type RedirectPolicy } from './redirect-uri.ts'

/** RFC 7591 3.2.2. */
export interface RegistrationError {
  readonly error: 'invalid_redirect_uri' | 'invalid_client_metadata'
  readonly error_description: string
}

const grant_types = ['authorization_code', 'refresh_token']
export const most_redirect_uris = 32

const names = z.array(z.string().max(200)).max(32)

const metadata_schema = z.object({
  redirect_uris: z.array(z.string()).min(1).max(most_redirect_uris),
  client_name: z.string().max(200).optional(),
  client_uri: z.string().max(2048).optional(),
  logo_uri: z.string().max(2048).optional(),
  policy_uri: z.string().max(2048).optional(),
  tos_uri: z.string().max(2048).optional(),
  grant_types: names.default(grant_types),
  response_types: names.default(['code']),
  token_endpoint_auth_method: z
    .enum(['none', 'client_secret_basic', 'client_secret_post'])
    .default('none'),
})

/**
 * What a client asks to be (RFC 7591 2), made into what we register: null members are dropped, as
 * are those we do not serve; `application_type` follows from the redirect URIs, because clients
 * send none or the wrong one. Every public client may refresh.
 */
export function clientMetadata(
  body: unknown,
  policy: RedirectPolicy,
): { metadata: Record<string, unknown> } | RegistrationError {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return invalid('The request body must be a JSON object.')
  const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))
  const parsed = metadata_schema.safeParse(given)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return invalid(`${issue?.path.join('.') ?? 'metadata'}: ${issue?.message ?? 'is not valid'}`)
  }
  const { redirect_uris, ...metadata } = parsed.data
  for (const uri of redirect_uris) {
    const problem = redirectUriProblem(uri, policy)
    if (problem)
      return { error: 'invalid_redirect_uri', error_description: `A redirect URI ${problem}.` }
  }
  if (!metadata.grant_types.includes('authorization_code'))
    return invalid('grant_types must include authorization_code.')
  if (!metadata.response_types.includes('code')) return invalid('response_types must include code.')
  return {
    metadata: {
      ...metadata,
      ...servedMetadata(redirect_uris),
    },
  }
}

/** What is the same for every client, however it came to be one. */
export function servedMetadata(redirect_uris: readonly string[]) {
  return {
    redirect_uris: [...new Set(redirect_uris)],
    grant_types,
    response_types: ['code' as const],
    application_type: redirect_uris.some(isNative) ? ('native' as const) : ('web' as const),
  }
}

function invalid(error_description: string): RegistrationError {
  return { error: 'invalid_client_metadata', error_description }
}
