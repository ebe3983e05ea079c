import type { Pdk } from '../../../../../gateway/plugin-server/pdk.ts'
import { noop_headers } from '../../noop-headers.ts'

export const Name = 'noop'
export const Version = '1.0.0'
export const Priority = 1
export const Schema = []

/** Makes the two PDK calls of an authenticated request, and looks at nothing. */
export class Plugin {
  async access(kong: Pdk): Promise<void> {
    await kong.request.getHeader('authorization')
    await kong.service.request.setHeaders(noop_headers)
  }
}
