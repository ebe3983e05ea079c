import { describe, expect, it } from '@jest/globals'
import type { Headers, Pdk } from '../../../../../gateway/plugin-server/pdk.ts'
import type { Refusal } from '../../../../../plugins/mcp-oidc/door/challenge.ts'
import { turnAway } from '../../../../../plugins/mcp-oidc/door/turn-away.ts'
import { recordingLog } from '../../../../support/fake-kong.ts'

const refusal: Refusal = {
  ...{ refused: true, status: 401, body: '{}', headers: { 'www-authenticate': 'Bearer' } },
  ...{ reason: 'no_token', detail: 'no token' },
}

interface Kong {
  readonly address?: () => Promise<string>
  readonly id?: () => Promise<string | undefined>
}

const nothing = () => Promise.reject(new Error('Kong does not say'))

async function turn({ address = nothing, id = nothing }: Kong, headers?: Headers) {
  const log = recordingLog()
  const counted: unknown[] = []
  const exits: unknown[] = []
  const kong = {
    client: { getForwardedIp: address },
    request: { getHeader: id },
    response: { exit: (...answer: unknown[]) => Promise.resolve(void exits.push(answer)) },
  } as unknown as Pdk
  const audit = { refused: (event: unknown) => void counted.push(event) }
  const status = await turnAway(kong, refusal, { audit, log }, headers)
  const line = log.entries.find(({ message }) => message === 'refused')
  return { counted, exits, line: line?.detail, status }
}

describe('turnAway', () => {
  const answer = [401, '{}', { 'www-authenticate': 'Bearer' }]
  const event = { type: 'refusal', outcome: 'refused', error_code: 'no_token' }

  it('M05 counts a refusal by the address of who was refused', async () => {
    const address = () => Promise.resolve('203.0.113.7')
    const { counted, exits, status } = await turn({ address })
    expect(counted).toEqual([{ ...event, ip: '203.0.113.7' }])
    expect(exits).toEqual([answer])
    expect(status).toBe(401)
  })

  it.each([
    ['asked for', { id: () => Promise.resolve('r-1') }, undefined],
    ['as it is known', {}, { 'x-request-id': ['r-1', 'r-2'] }],
  ])('O03 logs the id of the request, %s', async (_name, kong, headers) => {
    expect((await turn(kong, headers)).line).toEqual({
      ...{ status: 401, reason: 'no token', request_id: 'r-1' },
    })
  })

  it('O03 logs no id that is none', async () => {
    const { line } = await turn({ id: () => Promise.resolve('not an id') })
    expect(line).toEqual({ status: 401, reason: 'no token' })
  })

  it('G01 refuses all the same when Kong can tell neither address nor id', async () => {
    const { counted, exits } = await turn({})
    expect(counted).toEqual([event])
    expect(exits).toEqual([answer])
  })
})
