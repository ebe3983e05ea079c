/** A plugin that no configuration is good enough for. */
export const Name = 'mcp-oidc'
export const Version = '0.0.0'
export const Priority = 1050
export const Schema = [] as const

export class Plugin {
  constructor() {
    throw new Error('this configuration is not usable')
  }

  access(): Promise<void> {
    return Promise.reject(new Error('it was never constructed'))
  }
}
