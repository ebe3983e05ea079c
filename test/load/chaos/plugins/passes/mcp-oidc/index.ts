/** A plugin that lets every request go on without having looked at it. */
export const Name = 'mcp-oidc'
export const Version = '0.0.0'
export const Priority = 1050
export const Schema = [] as const

export class Plugin {
  access(): Promise<void> {
    return Promise.resolve()
  }
}
