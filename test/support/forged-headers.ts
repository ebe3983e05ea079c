/** Identity headers as an attacker would like them to be. */
export const forged = {
  'x-user-id': 'usr_attacker',
  'x-org-id': 'globex',
  'x-user-email': 'carol@globex.example',
  'x-client-id': 'attacker',
}
const every = Object.entries(forged)
/** All of them, name and value in turn. */
export const spelled = (spell: (name: string) => string) =>
  every.flatMap(([name, value]) => [spell(name), value])
export const capitals = (name: string) =>
  name.replaceAll(/\b[a-z]/g, letter => letter.toUpperCase())

/** Ways of sending them: what it is called, and the raw headers. */
export const forged_headers: [string, string[]][] = [
  ['X-User-Id', spelled(capitals)],
  ['x-user-id', spelled(name => name)],
  ['x_user_id', spelled(name => name.replaceAll('-', '_'))],
  ['X_User-Id', spelled(name => capitals(name).replace('-', '_'))],
  ['X_USER_ID', spelled(name => name.toUpperCase().replaceAll('-', '_'))],
  ['X-USER_ID', spelled(name => name.toUpperCase().replace(/-([^-]*)$/, '_$1'))],
  ['duplicates', [...spelled(capitals), ...spelled(capitals), ...spelled(name => name)]],
  ['a list', every.flatMap(([name, value]) => [name, `${value}, ${value}`])],
  ['an empty one and another', every.flatMap(([name, value]) => [name, '', name, value])],
  [
    'every spelling behind 150 others',
    [
      ...Array.from({ length: 150 }, (_, n) => [`X-Filler-${n}`, 'x']).flat(),
      ...spelled(capitals),
      ...spelled(name => name.replaceAll('-', '_')),
      ...spelled(name => name.toUpperCase()),
    ],
  ],
  [
    'Connection',
    [...spelled(capitals), 'Connection', 'close, X-User-Id, X-Org-Id, X-Request-Id, Authorization'],
  ],
  ['X-Forwarded-User', ['X-Forwarded-User', 'carol', 'X-Forwarded-Email', 'carol@globex.example']],
  ['X-Consumer-Username', ['X-Consumer-Username', 'carol', 'X-Credential-Identifier', 'carol']],
]
