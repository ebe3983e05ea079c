export type PluginServerErrorCode =
  'unreachable' | 'unknown_instance' | 'start_failed' | 'protocol' | 'timeout'

/** The plugin server could not be asked, or its answer is not one. Kong answers 500 to all of them. */
export class PluginServerError extends Error {
  override readonly name = 'PluginServerError'
  readonly code: PluginServerErrorCode
  constructor(code: PluginServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
