/**
 * Writes samples of every page, with the assets they load, into test/browser/screenshots/, for
 * looking at them in a browser: `node test/browser/render-pages.ts`.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { assets } from '../../plugins/mcp-oidc/pages/assets.ts'
import { createPages } from '../../plugins/mcp-oidc/pages/pages.ts'

const folder = new URL('screenshots/', import.meta.url)
const pages = createPages({ resource_name: 'Acme Insights' })

const claude = {
  name: 'Claude',
  redirect_host: 'claude.ai',
  verified: true,
  loopback_only: false,
  client_uri: 'https://claude.ai/',
}
const editor = {
  name: 'Visual Studio Code',
  redirect_host: '127.0.0.1',
  verified: false,
  loopback_only: true,
}
const hostile = {
  name: `</h1><script>alert(1)</script> \u202Egnp.exe\u200B ${'Totally Trustworthy Assistant '.repeat(10)}`,
  redirect_host: `accounts.google.com.${'very-long-label.'.repeat(14)}evil.example`,
  verified: false,
  loopback_only: false,
}
const connect = {
  action: '/connect/sample',
  csrf: 'sample',
  resource_name: 'Acme Insights',
  resource: 'https://mcp.acme.example/mcp',
  providers: [{ id: 'acme', name: 'Acme single sign-on' }],
}
const seven = [
  'Okta',
  'Microsoft Entra ID',
  'Google Workspace',
  'Acme Keycloak for contractors and everybody else who has no mailbox',
  'Clerk',
  'Auth0',
  'Übersee GmbH',
].map((name, index) => ({ id: `idp${index}`, name }))
const consent = {
  action: '/connect/sample',
  csrf: 'sample',
  resource_name: 'Acme Insights',
  resource: 'https://mcp.acme.example/mcp',
  user: { email: 'alice@acme.example', name: 'Alice Moreau' },
  orgs: ['acme'],
  scopes: [{ name: 'mcp:tools', description: 'Use the tools of this server in your name' }],
  ends_at: new Date('2027-03-14T09:30:00Z'),
}

const samples = {
  'connect-one': pages.connect({ ...connect, client: claude }),
  'connect-several': pages.connect({
    ...connect,
    client: editor,
    providers: ['Okta', 'Microsoft Entra ID', 'Google Workspace'].map((name, index) => ({
      id: `idp${index}`,
      name,
    })),
  }),
  'connect-seven': pages.connect({ ...connect, client: claude, providers: seven, by_email: {} }),
  'connect-unknown-address': pages.connect({
    ...connect,
    client: claude,
    providers: seven.slice(0, 3),
    by_email: { unknown_address: 'alice@nowhere.example' },
  }),
  'connect-hinted': pages.connect({ ...connect, client: claude, providers: seven, hinted: 'idp1' }),
  'connect-hostile': pages.connect({ ...connect, client: hostile }),
  'consent-one': pages.consent({ ...consent, client: claude }),
  'consent-several': pages.consent({
    ...consent,
    client: editor,
    user: { email: 'erin@acme.example' },
    orgs: ['acme', 'globex'],
    scopes: [
      ...consent.scopes,
      { name: 'lists:write', description: 'Change the lists that your organization has saved' },
    ],
  }),
  'consent-hostile': pages.consent({ ...consent, client: hostile }),
  'message-expired': pages.message({
    title: 'This sign-in has expired',
    what_happened: 'It was started more than ten minutes ago, or it was already finished.',
    what_to_do: 'Go back to your app and connect again. Nothing was shared.',
    request_id: '0b9f6b1e2c5d4a7f',
  }),
  'message-refused': pages.message({
    title: 'Your account has no access',
    what_happened:
      'You signed in as mallory@nowhere.example, but your company account belongs to no organization that uses Acme Insights.',
    what_to_do:
      'Ask your administrator to add you to an organization, or connect again with another account.',
    detail: 'no_organization',
    request_id: '0b9f6b1e2c5d4a7f',
  }),
}

mkdirSync(new URL('assets/', folder), { recursive: true })
for (const [name, { body }] of assets) writeFileSync(new URL(`assets/${name}`, folder), body)
for (const [name, html] of Object.entries(samples)) {
  // A file opened from disk has no server root to find /assets/ in.
  writeFileSync(new URL(`${name}.html`, folder), html.replaceAll('"/assets/', '"assets/'))
}
console.log(`${Object.keys(samples).length} pages in ${folder.pathname}`)
