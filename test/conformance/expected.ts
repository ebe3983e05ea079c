/** The revisions of the protocol that the suite knows the requirements of, each run in its own way. */
export const revisions = ['2025-11-25', '2026-07-28'] as const
export type Revision = (typeof revisions)[number]

/** What is expected to be otherwise than passed, and why that is as it should be. */
export interface Expected {
  /** Scenarios that fail, with and without the gateway. */
  readonly failures: Readonly<Record<string, string>>
  /** Scenarios that ask nothing of a server but what mcp-server has; the others need fixture tools. */
  readonly of_mcp_server: readonly string[]
}

const asks = 'asks the client something in the middle of a call: needs a session'
const subscribes = 'remembers who subscribed: needs a session'

export const expected: Readonly<Record<Revision, Expected>> = {
  '2025-11-25': {
    failures: {
      'elicitation-sep1034-defaults': asks,
      'elicitation-sep1330-enums': asks,
      'resources-subscribe': subscribes,
      'resources-unsubscribe': subscribes,
      'tools-call-elicitation': asks,
      'tools-call-sampling': asks,
    },
    of_mcp_server: [
      'ping',
      'server-initialize',
      'server-sse-multiple-streams',
      'server-sse-polling',
      'tools-list',
    ],
  },
  '2026-07-28': {
    failures: {},
    of_mcp_server: [
      'http-header-validation',
      'input-required-result-unsupported-methods',
      'sep-2164-resource-not-found',
      'server-sse-multiple-streams',
      'tools-list',
    ],
  },
}
