/** What an AI client sends to `/register`, and how it then asks for authorization. */
export interface ClientRegistration {
  readonly client: string
  readonly metadata: object
  /** As it stands in the authorization request; on loopback with another port than registered. */
  readonly redirect_uri: string
  /** Undefined sends none; 'all' asks for everything the metadata advertises. */
  readonly scope: string | undefined
}

const code_and_refresh = {
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
}
const cursor = {
  client_name: 'Cursor',
  redirect_uris: [
    'http://localhost:8787/callback',
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'https://www.cursor.com/agents/mcp/oauth/callback',
  ],
  ...code_and_refresh,
}
const vs_code = {
  client_name: 'Visual Studio Code',
  client_uri: 'https://code.visualstudio.com',
  redirect_uris: [
    'https://insiders.vscode.dev/redirect',
    'https://vscode.dev/redirect',
    'http://localhost/',
    'http://127.0.0.1/',
    'http://localhost:33418/',
    'http://127.0.0.1:33418/',
  ],
  ...code_and_refresh,
  grant_types: [...code_and_refresh.grant_types, 'urn:ietf:params:oauth:grant-type:device_code'],
  application_type: 'native',
}

export const client_registrations: readonly ClientRegistration[] = [
  {
    client: 'Claude Code',
    metadata: {
      client_name: 'Claude Code (acme)',
      redirect_uris: ['http://localhost:3118/callback'],
      ...code_and_refresh,
      application_type: 'native',
    },
    redirect_uri: 'http://localhost:51234/callback',
    scope: 'mcp:tools',
  },
  {
    client: 'Cursor, on loopback',
    metadata: cursor,
    redirect_uri: 'http://localhost:8788/callback',
    scope: 'all',
  },
  {
    client: 'Cursor, by its own scheme',
    metadata: cursor,
    redirect_uri: 'cursor://anysphere.cursor-mcp/oauth/callback',
    scope: 'all',
  },
  {
    client: 'Cursor, on the web',
    metadata: cursor,
    redirect_uri: 'https://www.cursor.com/agents/mcp/oauth/callback',
    scope: 'all',
  },
  {
    client: 'VS Code, on loopback',
    metadata: vs_code,
    redirect_uri: 'http://127.0.0.1:40123/',
    scope: 'mcp:tools',
  },
  {
    client: 'VS Code, on the web',
    metadata: vs_code,
    redirect_uri: 'https://vscode.dev/redirect',
    scope: 'mcp:tools',
  },
  {
    client: 'Goose',
    metadata: {
      client_name: 'goose',
      redirect_uris: ['http://127.0.0.1:49152/oauth_callback'],
      ...code_and_refresh,
    },
    redirect_uri: 'http://127.0.0.1:49153/oauth_callback',
    scope: 'mcp:tools',
  },
  {
    client: 'OpenCode, without application_type',
    metadata: {
      client_name: 'OpenCode',
      client_uri: 'https://opencode.ai',
      redirect_uris: ['http://127.0.0.1:19876/mcp/oauth/callback'],
      ...code_and_refresh,
    },
    redirect_uri: 'http://127.0.0.1:19877/mcp/oauth/callback',
    scope: undefined,
  },
  {
    client: 'mcp-remote, with scopes of OpenID',
    metadata: {
      client_name: 'MCP CLI Proxy',
      client_uri: 'https://github.com/modelcontextprotocol/mcp-cli',
      redirect_uris: ['http://localhost:3335/oauth/callback'],
      ...code_and_refresh,
      scope: 'openid email profile',
      software_id: '2e6dc280-f3c3-4e01-99a7-8181dbd1d23d',
      software_version: '0.1.37',
    },
    redirect_uri: 'http://localhost:21077/oauth/callback',
    scope: 'openid email profile',
  },
  {
    client: 'MCP Inspector',
    metadata: {
      client_name: 'MCP Inspector',
      client_uri: 'https://github.com/modelcontextprotocol/inspector',
      redirect_uris: ['http://127.0.0.1:6276/oauth/callback'],
      ...code_and_refresh,
      scope: '',
    },
    redirect_uri: 'http://127.0.0.1:6277/oauth/callback',
    scope: undefined,
  },
]
