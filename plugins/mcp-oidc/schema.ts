import { preset_names } from './config/idp-presets.ts'
import type { ConfigOf, Fields } from './kong-schema.ts'

/**
 * The plugin's settings: Kong's schema, the TypeScript type and the reference in docs/settings.md
 * all come from this literal. Every setting is written in config/kong.yml; a plugin server that
 * Kong starts sees no environment, so secrets come as `{vault://env/…}` references.
 */
export const fields = {
  serve: {
    type: 'string',
    required: true,
    one_of: ['resource', 'authorization'],
    description:
      'What this route does: `resource` admits MCP requests, `authorization` answers the OAuth endpoints.',
  },
  issuer: {
    type: 'string',
    required: true,
    referenceable: true,
    description:
      'Public URL of the gateway: an origin without trailing slash. https, or http on loopback.',
  },
  resource_path: {
    type: 'string',
    default: '/mcp',
    description:
      'Path of the MCP endpoint under the issuer. Issuer and path together are the canonical resource (RFC 8707).',
  },
  resource_name: {
    type: 'string',
    default: 'MCP server',
    description:
      'What people call the product behind the MCP server; shown on the sign-in and consent pages.',
  },
  upstream_audience: {
    type: 'string',
    default: 'mcp-server',
    description:
      'Audience of the identity assertion that the MCP server receives. Never the resource or a client id.',
  },
  database_url: {
    type: 'string',
    required: true,
    referenceable: true,
    encrypted: true,
    description:
      'PostgreSQL, `postgresql://user:password@host:port/database`. No transaction pooler.',
  },
  signing_keys: {
    type: 'string',
    required: true,
    referenceable: true,
    encrypted: true,
    description:
      'Private JWKS (EC, P-256, each with `kid`). The first key signs, all are published.',
  },
  storage_keys: {
    type: 'string',
    required: true,
    referenceable: true,
    encrypted: true,
    description:
      'JWKS of 256-bit `oct` keys, each with `kid`. The first seals rows, all open them.',
  },
  cookie_keys: {
    type: 'string',
    required: true,
    referenceable: true,
    encrypted: true,
    description:
      'JWKS of 256-bit `oct` keys, each with `kid`. The first signs cookies, all verify them.',
  },
  access_token_ttl: {
    type: 'integer',
    default: 600,
    between: [60, 3600],
    description: 'Lifetime of an access token, seconds.',
  },
  assertion_ttl: {
    type: 'integer',
    default: 60,
    between: [5, 60],
    description: 'Lifetime of the identity assertion sent to the MCP server, seconds.',
  },
  connection_ttl: {
    type: 'integer',
    default: 2592000,
    between: [3600, 31536000],
    description: 'Absolute end of a connection after its approval, seconds. No refresh moves it.',
  },
  connection_ttl_without_idp_refresh: {
    type: 'integer',
    default: 43200,
    between: [300, 2592000],
    description:
      'The same for a connection whose identity provider gave no refresh token to ask with, seconds. Never longer than `connection_ttl`.',
  },
  connection_retention: {
    type: 'integer',
    default: 7776000,
    between: [0, 315360000],
    description:
      'How long after its end a connection is still shown, seconds. Its events stay in the audit trail.',
  },
  audit_retention: {
    type: 'integer',
    default: 34560000,
    between: [86400, 1577880000],
    description:
      'How long an event is kept in the audit trail at least, seconds. Whole months (UTC) are dropped once all of them is older.',
  },
  idp_outage_grace: {
    type: 'integer',
    default: 3600,
    between: [0, 86400],
    description:
      'How long connections are refreshed while their identity provider cannot be asked, seconds. After that refreshes are answered 503, and no connection is lost.',
  },
  stale_connection_grace: {
    type: 'integer',
    default: 5,
    between: [1, 3600],
    description:
      'How long a cached connection is trusted, seconds. A longer one trades revocation speed for availability.',
  },
  scopes: {
    type: 'array',
    elements: {
      type: 'record',
      fields: {
        name: { type: 'string', required: true, description: 'The scope, such as `mcp:tools`.' },
        description: {
          type: 'string',
          required: true,
          description: 'What it allows, in words, for the consent page.',
        },
        default: {
          type: 'boolean',
          default: false,
          description: 'Whether a request without `scope` gets it.',
        },
      },
    },
    default: [
      {
        name: 'mcp:tools',
        description: 'Use the tools of this server in your name',
        default: true,
      },
    ],
    description: 'Scopes of the MCP resource.',
  },
  resource_servers: {
    type: 'array',
    default: [],
    description:
      'Servers that may ask at `/introspect` whether a token is active (RFC 7662). Without any, the endpoint is not there.',
    elements: {
      type: 'record',
      fields: {
        id: { type: 'string', required: true, description: 'Its client id.' },
        secret: {
          type: 'string',
          required: true,
          referenceable: true,
          encrypted: true,
          description: 'Its client secret, at least 32 characters.',
        },
      },
    },
  },
  clients: {
    type: 'array',
    default: [],
    description:
      'Clients that need no registration of their own: those the operator has agreed on something with.',
    elements: {
      type: 'record',
      fields: {
        client_id: {
          type: 'string',
          required: true,
          description: 'As the client names itself. Not a URL.',
        },
        name: {
          type: 'string',
          required: true,
          description: 'What the sign-in and consent pages call it.',
        },
        redirect_uris: {
          type: 'array',
          elements: { type: 'string' },
          required: true,
          description:
            'Where it may be answered, compared to the byte but for a loopback port. With `first_party`: paths under the issuer, such as `/console/callback`.',
        },
        post_logout_redirect_uris: {
          type: 'array',
          elements: { type: 'string' },
          default: [],
          description:
            'Where a browser may be sent after a sign-out that it asked for (OpenID Connect RP-Initiated Logout), as `redirect_uris`.',
        },
        token_endpoint_auth_method: {
          type: 'string',
          one_of: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
          default: 'none',
          description: 'How it proves at `/token` who it is.',
        },
        client_secret: {
          type: 'string',
          referenceable: true,
          encrypted: true,
          description: 'For the `client_secret_…` methods, at least 32 characters.',
        },
        jwks: {
          type: 'string',
          description: 'For `private_key_jwt`: its public keys, a JWKS as JSON text.',
        },
        jwks_uri: {
          type: 'string',
          description:
            'For `private_key_jwt`, in place of `jwks`: the https URL of its public keys.',
        },
        first_party: {
          type: 'boolean',
          default: false,
          description:
            "Whether it is one of the gateway's own pages: it needs a secret or keys, gets `openid` and no access to the resource, and nobody is asked for consent.",
        },
      },
    },
  },
  unknown_clients: {
    type: 'string',
    one_of: ['allow', 'ask', 'deny'],
    default: 'allow',
    description:
      'What becomes of a client that an org has not decided about: its people may `allow` it themselves, must `ask` an administrator, or it is denied (`deny`). Those in `clients` count as known.',
  },
  org_policies: {
    type: 'array',
    default: [],
    description: 'The same for single orgs.',
    elements: {
      type: 'record',
      fields: {
        org: { type: 'string', required: true, description: 'The org id.' },
        unknown_clients: {
          type: 'string',
          required: true,
          one_of: ['allow', 'ask', 'deny'],
          description: 'As the setting of this name, for this org.',
        },
      },
    },
  },
  consent: {
    type: 'record',
    description:
      'Who asks the person once they are signed in. Unset, it is the consent page of this gateway.',
    fields: {
      mode: {
        type: 'string',
        one_of: ['internal', 'external'],
        default: 'internal',
        description:
          '`internal` is the page of this gateway, `external` a service of yours, which the following are for.',
      },
      url: {
        type: 'string',
        referenceable: true,
        description:
          'Where the browser is sent with the signed request. https, or http on loopback.',
      },
      jwks_uri: {
        type: 'string',
        referenceable: true,
        description: 'The keys that its decisions are signed with. https, or http on loopback.',
      },
      audience: {
        type: 'string',
        referenceable: true,
        description:
          'What the service is called: the `aud` of requests and the `iss` of decisions.',
      },
    },
  },
  cimd_allowed_hosts: {
    type: 'array',
    elements: { type: 'string' },
    default: [],
    description:
      'Hosts whose client ID metadata documents are accepted, such as `claude.ai` or `*.example.com`; without any, all public ones.',
  },
  cimd_denied_hosts: {
    type: 'array',
    elements: { type: 'string' },
    default: [],
    description: 'Hosts whose client ID metadata documents are refused, also when allowed above.',
  },
  cimd_private_hosts: {
    type: 'array',
    elements: { type: 'string' },
    default: [],
    description:
      'Hosts that may publish such documents, and keys (`jwks_uri`), from an address of your own network: `host`, or `host:port`.',
  },
  cimd_ca_certificates: {
    type: 'string',
    referenceable: true,
    description:
      'Certificate authorities, PEM, that documents and keys are fetched under beside the usual ones.',
  },
  unused_client_ttl: {
    type: 'integer',
    default: 86400,
    between: [3600, 2592000],
    description:
      'How long a client that registered itself is kept while nobody has approved a connection of it, seconds.',
  },
  most_unused_clients: {
    type: 'integer',
    default: 10000,
    between: [1, 1000000],
    description:
      'How many such clients there may be at a time. Beyond it `/register` answers 503; other clients go on.',
  },
  tool_rules: {
    type: 'array',
    description:
      'When set, the gateway reads every message: strictly, one at a time, in agreement with its headers; it holds calls to these rules and sets `X-Mcp-Tool` for `tool-rate-limiting`. Costs one more exchange with Kong a request. Without it the MCP server does these checks itself. `[]` reads without rules.',
    elements: {
      type: 'record',
      fields: {
        tool: {
          type: 'string',
          required: true,
          description:
            'The tool. One that no rule names is for the MCP server to judge, and counted with all others like it.',
        },
        scope: {
          type: 'string',
          description:
            'Scope that a call needs, one of `scopes`. Without it: 403 `insufficient_scope`.',
        },
        roles: {
          type: 'array',
          elements: { type: 'string' },
          description: 'Roles that may call it, any of them. Everyone unless set.',
        },
      },
    },
  },
  private_use_schemes: {
    type: 'array',
    elements: { type: 'string' },
    default: ['cursor', 'vscode', 'vscode-insiders'],
    description:
      'Redirect schemes of native applications that have no dot in their name (RFC 8252 7.1 asks for one).',
  },
  otlp_endpoint: {
    type: 'string',
    referenceable: true,
    description:
      'Where spans of the OAuth endpoints and of the judgement at the MCP endpoint are sent by OTLP over HTTP, such as `http://collector:4318`. Unset, none are made.',
  },
  identity_providers: {
    type: 'array',
    required: true,
    description: 'The company sign-in, one record per OpenID provider.',
    elements: {
      type: 'record',
      fields: {
        id: {
          type: 'string',
          required: true,
          description: 'Short name; its redirect URI is `<issuer>/callback/<id>`.',
        },
        name: { type: 'string', required: true, description: 'What the sign-in button says.' },
        issuer: {
          type: 'string',
          required: true,
          referenceable: true,
          description: 'Issuer URL as in its discovery document.',
        },
        client_id: {
          type: 'string',
          required: true,
          referenceable: true,
          description: 'Client id registered there.',
        },
        client_secret: {
          type: 'string',
          required: true,
          referenceable: true,
          encrypted: true,
          description: 'Client secret registered there.',
        },
        preset: {
          type: 'string',
          one_of: preset_names,
          default: 'generic',
          description:
            'Which product it is: decides the settings below that say "by `preset`". What is written here wins.',
        },
        scopes: {
          type: 'array',
          elements: { type: 'string' },
          default_by: 'preset',
          description: 'Scopes to ask for.',
        },
        authorization_parameters: {
          type: 'array',
          default_by: 'preset',
          description:
            'Further parameters of the authorization request there, beside those of the preset.',
          elements: {
            type: 'record',
            fields: {
              name: {
                type: 'string',
                required: true,
                description:
                  'Its name, such as `organization`. None that this gateway sets itself.',
              },
              value: { type: 'string', required: true, description: 'Its value.' },
            },
          },
        },
        orgs: {
          type: 'array',
          elements: { type: 'string' },
          required: true,
          description: 'Org ids this provider may assert. None starts with `usr_`.',
        },
        org_claim: {
          type: 'string',
          default_by: 'preset',
          description: 'Claim holding the org id or a list of them; a dot descends.',
        },
        org_map: {
          type: 'array',
          description:
            'Org ids for the values of that claim, such as tenant ids or domains. With it, a value that is not here is no org.',
          elements: {
            type: 'record',
            fields: {
              value: { type: 'string', required: true, description: 'What the claim says.' },
              org: { type: 'string', required: true, description: 'One of `orgs`.' },
            },
          },
        },
        org_without_claim: {
          type: 'string',
          description:
            'One of `orgs`, for people without that claim: everybody, where a provider serves one organization and has no such claim. Without it they are refused.',
        },
        roles_claim: {
          type: 'string',
          default_by: 'preset',
          description: 'Claim holding the roles; a dot descends (`realm_access.roles`).',
        },
        trust_email: {
          type: 'boolean',
          default_by: 'preset',
          description: 'Accept an email without `email_verified` (Entra omits the claim).',
        },
        userinfo: {
          type: 'boolean',
          default_by: 'preset',
          description: 'Ask its userinfo endpoint for the claims that the id_token does not have.',
        },
        email_domains: {
          type: 'array',
          elements: { type: 'string' },
          description:
            'Domains whose addresses lead here, typed on the page or sent as `login_hint`. They decide nothing else.',
        },
        idp_logout_ends: {
          type: 'string',
          one_of: ['sessions', 'connections'],
          default: 'sessions',
          description:
            'What a back-channel logout of this provider ends: browser sessions, or AI connections as well. Register `<issuer>/backchannel-logout/<id>` there.',
        },
      },
    },
  },
} as const satisfies Fields

export type Config = ConfigOf<typeof fields>
