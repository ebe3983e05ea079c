/** The paths of the OAuth endpoints, fixed: clients and operators rely on them. */
export const endpoints = {
  authorization: '/authorize',
  token: '/token',
  registration: '/register',
  revocation: '/revoke',
  introspection: '/introspect',
  userinfo: '/userinfo',
  jwks: '/jwks',
  end_session: '/logout',
} as const
