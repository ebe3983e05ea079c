import { describe, expect, it } from '@jest/globals'
import type { Pdk } from '../../../../../gateway/plugin-server/pdk.ts'
import type { Refusal } from '../../../../../plugins/mcp-oidc/door/challenge.ts'
import { turnAway } from '../../../../../plugins/mcp-oidc/door/turn-away.ts'
import { recordingLog } from '../../../../support/fake-kong.ts'

const refusal: Refusal = {
  ...{ refused: true, status: 401, body: '{}', headers: { 'www-authenticate': 'Bearer' } },
  ...{ reason: 'no_token', detail: 'no token' },
}

async function turn(getForwardedIp: () => Promise<string>) {
  const counted: unknown[] = []
  const exits: unknown[] = []
  const kong = {
    client: { getForwardedIp },
    response: { exit: (...answer: unknown[]) => Promise.resolve(void exits.push(answer)) },
  } as unknown as Pdk
  const audit = { refused: (event: unknown) => void counted.push(event) }
  await turnAway(kong, refusal, { audit, log: recordingLog() })
  return { counted, exits }
}

describe('turnAway', () => {
  const answer = [401, '{}', { 'www-authenticate': 'Bearer' }]
  const event = { type: 'refusal', outcome: 'refused', error_code: 'no_token' }

  it('M05 counts a refusal by the address of who was refused', async () => {
    const { counted, exits } = await turn(() => Promise.resolve('203.0.113.7'))
    expect(counted).toEqual([{ ...event, ip: '203.0.113.7' }])
    expect(exits).toEqual([answer])
  })

  it('G01 refuses all the same when Kong cannot tell the address', async () => {
    const { counted, exits } = await turn(() => Promise.reject(new Error('no address')))
    expect(counted).toEqual([event])
    expect(exits).toEqual([answer])
  })
})
