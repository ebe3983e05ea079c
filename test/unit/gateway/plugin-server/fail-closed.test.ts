import { describe, expect, it } from '@jest/globals'

import { max_frame_bytes } from '../../../../gateway/plugin-server/frames.ts'
import type { Pdk } from '../../../../gateway/plugin-server/pdk.ts'
import { connectInMemory } from '../../../support/plugin-server/kong-peer.ts'
import type { KongPeer } from '../../../support/plugin-server/kong-peer.ts'
import { pluginModule } from '../../../support/plugin-server/plugin-module.ts'

type Access = (kong: Pdk) => Promise<void>
type Kong = (peer: KongPeer) => Promise<void>
const failing = () => Promise.reject(new Error('broken'))
const silent: Kong = () => Promise.resolve()
const wrong = (value: unknown) => value as never

const oversized = Buffer.alloc(4)
oversized.writeUInt32LE(max_frame_bytes + 1)

/** Every way in which a phase can fail without having decided about the request. */
const branches: readonly [string, Access, Kong?][] = [
  ['a rejection', failing],
  [
    'a throw before the first await',
    () => {
      throw new Error('broken')
    },
  ],
  [
    'something thrown that is no error',
    async () => {
      await Promise.resolve()
      throw 'text' as unknown as Error
    },
  ],
  [
    'a throw while a call is in flight',
    async kong => {
      void kong.request.getMethod()
      await failing()
    },
    answerWith(''),
  ],
  [
    'a reply that cannot be decoded',
    async kong => {
      await kong.request.getPath()
    },
    answerWith('0aff'),
  ],
  [
    'headers of a wrong type',
    async kong => {
      await kong.request.getHeaders(10)
    },
    answerWith('0a090a016112041100000000'),
  ],
  [
    'no body',
    async kong => {
      await kong.request.getRawBody()
    },
    answerWith('1a0178'),
  ],
  ['an argument that cannot be encoded', kong => kong.service.request.setHeaders(wrong({ a: 1 }))],
  ['an exit with an impossible status', kong => kong.response.exit(1000)],
  ['an exit with headers that are none', kong => kong.response.exit(200, '', wrong({ a: 1 }))],
  ['an exit above the frame limit', kong => kong.response.exit(200, Buffer.alloc(max_frame_bytes))],
  [
    'a failed exit that nobody awaited',
    kong => {
      void kong.response.exit(0)
      return Promise.resolve()
    },
  ],
  [
    'a failed exit that was swallowed',
    async kong => {
      await kong.response.exit(99).catch(() => undefined)
    },
  ],
  [
    'an oversized reply, even when the plugin swallows it',
    async kong => {
      await kong.request.getRawBody().catch(() => undefined)
    },
    async peer => {
      await peer.readCall()
      peer.stream.write(oversized)
      peer.stream.write(Buffer.alloc(100_000))
    },
  ],
]

function answerWith(hex: string) {
  return async (peer: KongPeer) => {
    await peer.readCall()
    peer.frames.send(Buffer.from(hex, 'hex'))
  }
}

function open(access: Access) {
  const server = connectInMemory(pluginModule(access))
  server.instances.open({ id: 1, name: 'pbtest', config: '{}' })
  return server
}

async function expectUnavailable(peer: KongPeer): Promise<void> {
  const { status, body, headers } = await peer.readExit()
  expect(status).toBe(503)
  expect(JSON.parse(Buffer.from(body).toString())).toMatchObject({
    error: 'temporarily_unavailable',
  })
  expect(headers['content-type']).toBe('application/json')
  peer.stream.end()
  expect(await peer.readToEnd()).toEqual([])
}

describe('failing closed', () => {
  it.each(branches.map(([what, access, kong = silent]) => [what, access, kong] as const))(
    'G01 answers 503 and nothing else after %s',
    async (_, access, kong) => {
      const { peer, lines } = open(access)
      peer.startEvent(1)
      await kong(peer)
      await expectUnavailable(peer)
      const logged = lines.filter(line => line['level'] === 50)
      expect(logged).toHaveLength(1)
      expect(logged[0]).toMatchObject({ instance_id: 1, error: { message: expect.any(String) } })
    },
  )

  it.each(['log', 'close', 'constructor', ''])(
    'G01 answers 503 to a phase %p that the plugin does not have',
    async event_name => {
      const { peer } = open(() => Promise.resolve())
      peer.startEvent(1, 3, event_name)
      await expectUnavailable(peer)
    },
  )

  it.each([
    ['bytes that are no message', 'ff'],
    ['a call without a command', '0805'],
    ['a command that is not known', '0805c20200'],
  ])('G01 answers 503 to %s', async (_, hex) => {
    const { peer, lines } = open(() => Promise.resolve())
    peer.frames.send(Buffer.from(hex, 'hex'))
    await expectUnavailable(peer)
    expect(lines.filter(line => line['level'] === 50)).toHaveLength(1)
  })

  it('keeps further members of an error out of the log', async () => {
    const cause = new Error('no route')
    const error = Object.assign(new Error('broken', { cause }), { body: 'SECRET', token: 'SECRET' })
    const { peer, lines } = open(() => Promise.reject(error))
    peer.startEvent(1)
    await expectUnavailable(peer)
    expect(JSON.stringify(lines)).not.toContain('SECRET')
    expect(JSON.stringify(lines)).toContain('no route')
  })

  it('closes on an oversized frame outside an event, and logs it', async () => {
    const { peer, lines } = open(() => Promise.resolve())
    peer.stream.write(oversized)
    expect(await peer.readToEnd()).toEqual([])
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 50,
        error: expect.objectContaining({ type: 'FrameTooLargeError' }),
      }),
    )
  })
})
