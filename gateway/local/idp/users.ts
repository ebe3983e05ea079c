/** Somebody who can sign in at the development identity provider. */
export interface User {
  readonly sub: string
  readonly email: string
  readonly name: string
  readonly orgs: readonly string[]
  readonly roles: readonly string[]
  readonly password: string
}

const password = 'password'

/** Two companies, somebody who works for both, and somebody who works for neither. */
export const development_users: readonly User[] = [
  {
    sub: 'dev-alice',
    email: 'alice@acme.example',
    name: 'Alice Adler',
    orgs: ['acme'],
    roles: ['admin'],
    password,
  },
  {
    sub: 'dev-bob',
    email: 'bob@acme.example',
    name: 'Bob Brandt',
    orgs: ['acme'],
    roles: ['analyst'],
    password,
  },
  {
    sub: 'dev-carol',
    email: 'carol@globex.example',
    name: 'Carol Costa',
    orgs: ['globex'],
    roles: ['viewer'],
    password,
  },
  {
    sub: 'dev-erin',
    email: 'erin@acme.example',
    name: 'Erin Egede',
    orgs: ['acme', 'globex'],
    roles: ['analyst'],
    password,
  },
  {
    sub: 'dev-mallory',
    email: 'mallory@nowhere.example',
    name: 'Mallory Moe',
    orgs: [],
    roles: [],
    password,
  },
]

/** The claims of the id_token and of userinfo. */
export function claimsOf(user: User) {
  return {
    sub: user.sub,
    email: user.email,
    email_verified: true,
    name: user.name,
    orgs: user.orgs,
    roles: user.roles,
  }
}
