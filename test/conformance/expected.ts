/** What fails, with and without the gateway, and why that is as it should be. */
export const expected_failures: Readonly<Record<string, string>> = {
  'dns-rebinding-protection':
    'Origin is for the upstream to check: the fixtures do not, and mcp-server takes the origin of the gateway alone (G05), not any of localhost',
  'elicitation-sep1034-defaults': 'asks the client something: needs a session',
  'elicitation-sep1330-enums': 'asks the client something: needs a session',
  'resources-subscribe': 'remembers who subscribed: needs a session',
  'resources-unsubscribe': 'remembers who subscribed: needs a session',
  'tools-call-elicitation': 'asks the client something: needs a session',
  'tools-call-sampling': 'asks the client something: needs a session',
}

/** Scenarios that ask nothing of a server but what mcp-server has; the others need fixture tools. */
export const of_mcp_server: readonly string[] = [
  'ping',
  'server-initialize',
  'server-sse-multiple-streams',
  'server-sse-polling',
  'tools-list',
]
