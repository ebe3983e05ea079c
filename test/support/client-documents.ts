/** A client ID metadata document as a client publishes it, and how that client then asks. */
export interface ClientDocument {
  readonly client: string
  readonly document: Readonly<Record<string, unknown>> & { readonly client_id: string }
  readonly redirect_uri: string
  /** How it proves itself at `/token`. */
  readonly method: 'none' | 'private_key_jwt'
}

const code_and_refresh = {
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
}
const none = { ...code_and_refresh, token_endpoint_auth_method: 'none' }

export const client_documents: readonly ClientDocument[] = [
  {
    client: 'claude.ai',
    document: {
      client_id: 'https://claude.ai/oauth/mcp-oauth-client-metadata',
      client_name: 'Claude',
      client_uri: 'https://claude.ai',
      redirect_uris: [
        'https://claude.ai/api/mcp/auth_callback',
        'https://claude.com/api/mcp/auth_callback',
      ],
      ...none,
    },
    redirect_uri: 'https://claude.ai/api/mcp/auth_callback',
    method: 'none',
  },
  {
    client: 'Claude Code, without ports',
    document: {
      client_id: 'https://claude.ai/oauth/claude-code-client-metadata',
      client_name: 'Claude Code',
      redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
      ...none,
    },
    redirect_uri: 'http://localhost:51234/callback',
    method: 'none',
  },
  {
    client: 'ChatGPT, with keys',
    document: {
      client_id: 'https://chatgpt.com/oauth/a1b2c3/client.json',
      client_name: 'ChatGPT',
      redirect_uris: [
        'https://chatgpt.com/connector/oauth/a1b2c3',
        'https://chatgpt.com/connector_platform_oauth_redirect',
      ],
      ...code_and_refresh,
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_methods_supported: ['private_key_jwt', 'none'],
      token_endpoint_auth_signing_alg: 'ES256',
      jwks_uri: 'https://chatgpt.com/oauth/jwks.json',
    },
    redirect_uri: 'https://chatgpt.com/connector/oauth/a1b2c3',
    method: 'private_key_jwt',
  },
  {
    client: 'VS Code',
    document: {
      client_id: 'https://vscode.dev/oauth/client-metadata.json',
      client_name: 'Visual Studio Code',
      logo_uri: 'https://vscode.dev/static/logo.svg',
      redirect_uris: [
        'http://127.0.0.1:33418/',
        'https://vscode.dev/redirect',
        'https://insiders.vscode.dev/redirect',
      ],
      ...none,
      grant_types: [...none.grant_types, 'urn:ietf:params:oauth:grant-type:device_code'],
      application_type: 'native',
    },
    redirect_uri: 'http://127.0.0.1:40123/',
    method: 'none',
  },
  {
    client: 'Copilot CLI, with one port declared and another used',
    document: {
      client_id: 'https://github.com/copilot-cli/client.json',
      client_name: 'Copilot CLI',
      redirect_uris: ['http://127.0.0.1:33418/'],
      ...none,
    },
    redirect_uri: 'http://127.0.0.1:52001/',
    method: 'none',
  },
  {
    client: 'Codex',
    document: {
      client_id: 'https://openai.com/codex/client.json',
      client_name: 'Codex',
      redirect_uris: ['http://127.0.0.1/callback/a1'],
      ...none,
    },
    redirect_uri: 'http://127.0.0.1:52001/callback/a1',
    method: 'none',
  },
  {
    client: 'OpenCode',
    document: {
      client_id: 'https://opencode.ai/oauth/client.json',
      client_name: 'OpenCode',
      redirect_uris: ['http://127.0.0.1:19876/mcp/oauth/callback'],
      ...none,
    },
    redirect_uri: 'http://127.0.0.1:19876/mcp/oauth/callback',
    method: 'none',
  },
  {
    client: 'MCP Inspector, with nulls and no method',
    document: {
      client_id: 'https://inspector.example/client.json',
      client_name: 'MCP Inspector',
      logo_uri: null,
      redirect_uris: ['http://127.0.0.1:6276/oauth/callback'],
    },
    redirect_uri: 'http://127.0.0.1:6277/oauth/callback',
    method: 'none',
  },
]
