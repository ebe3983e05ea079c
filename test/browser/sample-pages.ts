import { createPages } from '../../plugins/mcp-oidc/pages/pages.ts'
import {
  consent_unreachable,
  decision_refused,
} from '../../plugins/mcp-oidc/consent/external/messages.ts'
import * as messages from '../../plugins/mcp-oidc/sign-in/messages.ts'

const { unwelcome, signInUnreachable, ...plain_messages } = messages
const request_id = '0b9f6b1e2c5d4a7f'
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

/** Every page, with what makes it long, crowded or ugly. By a name for its pictures. */
export const sample_pages: Readonly<Record<string, string>> = {
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
  'consent-one': pages.consent({ ...consent, client: { ...claude, verified_host: 'claude.ai' } }),
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
  'consent-again': pages.consent({
    ...consent,
    client: editor,
    scopes: [{ name: 'lists:write', description: 'Change the lists of your organization' }],
    allowed_before: consent.scopes,
    new_address: true,
  }),
  'turned-away': pages.turnedAway({
    ...{ action: '/connect/sample', csrf: 'sample', request_id },
    title: 'An administrator has to approve this application',
    what_happened:
      'Visual Studio Code is new to acme. Your request was noted for its administrators, and nothing was shared with the application.',
    what_to_do:
      'Ask an administrator of your organization to approve it, then connect again from your AI application.',
  }),
  'sign-out': pages.signOut({
    form: '<form id="op.logoutForm" method="post" action="/logout/confirm"><input type="hidden" name="xsrf" value="sample"/></form>',
    form_id: 'op.logoutForm',
  }),
  ...Object.fromEntries(
    Object.entries({
      ...{ ...plain_messages, unreachable: signInUnreachable('Acme single sign-on') },
      ...unwelcome,
      ...{ consent_unreachable, decision_refused },
    }).map(([name, message]) => [
      `message-${name}`,
      pages.message({
        ...message,
        detail: 'invalid_request: for the maker of the app',
        request_id,
      }),
    ]),
  ),
}
