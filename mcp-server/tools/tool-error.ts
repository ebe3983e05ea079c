export type ToolErrorCode = 'invalid_arguments' | 'not_found' | 'forbidden' | 'insufficient_scope'

/** A tool's answer that it could not do it. The message is for the model: it says what to change. */
export class ToolError extends Error {
  readonly code: ToolErrorCode

  constructor(code: ToolErrorCode, message: string) {
    super(message)
    this.name = 'ToolError'
    this.code = code
  }
}
