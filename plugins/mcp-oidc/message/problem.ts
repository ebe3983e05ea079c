/** JSON-RPC 2.0 5.1, and what MCP 2026-07-28 adds for headers that disagree with the body. */
export const codes = {
  parse_error: -32_700,
  invalid_request: -32_600,
  header_mismatch: -32_020,
  forbidden: -32_003,
} as const

/** A message that is not passed on, and the answer to it. */
export class MessageProblem extends Error {
  override readonly name = 'MessageProblem'
  readonly status: 400 | 403 | 413 | 415
  readonly code: number

  constructor(status: MessageProblem['status'], code: keyof typeof codes, message: string) {
    super(message)
    this.status = status
    this.code = codes[code]
  }
}
