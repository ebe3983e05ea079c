import type { Pdk } from '../../../../../../gateway/plugin-server/pdk.ts'

/** A plugin that fails in another way with every request, also when it has said who is calling. */
export const Name = 'mcp-oidc'
export const Version = '0.0.0'
export const Priority = 1050
export const Schema = [] as const

const attacker = {
  authorization: 'Bearer attacker',
  'x-user-id': 'usr_attacker',
  'x-org-id': 'globex',
}
const ways: readonly ((kong: Pdk) => Promise<void>)[] = [
  () => Promise.reject(new Error('rejected')),
  () => {
    throw new TypeError('thrown')
  },
  async kong => {
    await kong.request.getHeader('authorization')
    throw new RangeError('thrown after a question')
  },
  async kong => {
    await kong.service.request.setHeaders(attacker)
    throw new Error('thrown after headers were set')
  },
]
let requests = 0

export class Plugin {
  access(kong: Pdk): Promise<void> {
    const way = ways[requests % ways.length]
    requests += 1
    if (!way) throw new Error('there is no way left')
    return way(kong)
  }
}
