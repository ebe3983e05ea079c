import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Pdk } from '../../../../gateway/plugin-server/pdk.ts'
import { pdk_methods } from '../../../../gateway/plugin-server/pdk-methods.ts'
import type { KongPeer } from '../../../support/plugin-server/kong-peer.ts'
import { runAccess } from '../../../support/plugin-server/run-access.ts'

const runs = 1_000
const seed = 20_261_127
const header = pdk_methods['kong.request.get_header']
const turn = () => new Promise(resolve => setImmediate(resolve))

/** What a plugin does, and whether it waits for that before it goes on. */
const step = fc.record({
  what: fc.oneof(
    { arbitrary: fc.constant('ask' as const), weight: 9 },
    {
      arbitrary: fc.constantFrom('ask and forget', 'log', 'set headers', 'wait a turn'),
      weight: 8,
    },
    { arbitrary: fc.constantFrom('exit', 'exit wrongly', 'ask wrongly', 'fail'), weight: 3 },
  ),
  awaited: fc.boolean(),
})
/** What Kong does about a call. */
const reaction = fc.oneof(
  { arbitrary: fc.constantFrom('reply', 'reply a turn later'), weight: 20 },
  { arbitrary: fc.constantFrom('drop', 'send what is too large', 'send nonsense'), weight: 1 },
)
const conversation = fc.record({
  steps: fc.array(step, { maxLength: 9 }),
  reactions: fc.array(reaction, { minLength: 9, maxLength: 9 }),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** Makes the calls; gives to `astray` what was told to somebody else. */
async function call(kong: Pdk, steps: readonly Step[], astray: string[]): Promise<void> {
  for (const [n, { what, awaited }] of steps.entries()) {
    const made = begin(kong, what, `header-${n}`, astray)
    if (awaited) await made
    else made.catch(() => undefined)
  }
}

async function begin(kong: Pdk, what: Step['what'], name: string, astray: string[]): Promise<void> {
  if (what === 'fail') throw new Error('the phase failed')
  if (what === 'wait a turn') await turn()
  else if (what === 'ask and forget') void kong.request.getHeader(name)
  else if (what === 'log') await kong.log.info('x')
  else if (what === 'set headers') await kong.service.request.setHeaders({ a: 'b' })
  else if (what === 'exit') await kong.response.exit(401)
  else if (what === 'exit wrongly') await kong.response.exit(9_999)
  else if (what === 'ask wrongly') await kong.request.getHeader(5 as never)
  else {
    const value = await kong.request.getHeader(name)
    if (value !== undefined && value !== `of ${name}`) astray.push(`${name} was told ${value}`)
  }
}

/** Answers as Kong does, or as it is told to. Gives how the conversation came to an end. */
async function answer(peer: KongPeer, reactions: readonly string[]): Promise<string> {
  for (let n = 0; ; n += 1) {
    const name = await peer.readText()
    if (name === '') return peer.readReturn().then(() => 'went on')
    const argument = await peer.frames.read()
    if (name === 'kong.response.exit') {
      peer.stream.destroy()
      return 'was answered'
    }
    const how = reactions[n] ?? 'reply'
    if (how === 'reply a turn later') await turn()
    if (how === 'drop') {
      peer.stream.destroy()
      return 'was dropped'
    }
    if (how === 'send what is too large') peer.stream.write(Buffer.from('ffffffff', 'hex'))
    else if (how === 'send nonsense') peer.frames.send(Buffer.from('0aff', 'hex'))
    else if (name !== 'kong.request.get_header') peer.frames.send(Buffer.alloc(0))
    else peer.frames.send(header.reply.encode(`of ${header.argument.decode(argument)}`))
  }
}

describe(`${runs} conversations of any calls and replies`, () => {
  const unobserved: unknown[] = []
  const note = (error: unknown) => void unobserved.push(error)
  beforeAll(() => void process.on('unhandledRejection', note))
  afterAll(() => void process.off('unhandledRejection', note))

  it('G01 all come to an end, tell nobody of the reply to another, and let no rejection escape', async () => {
    const ends = new Map<string, number>()
    for (const made of fc.sample(conversation, { seed, numRuns: runs })) {
      const astray: string[] = []
      const { peer, instances } = runAccess(kong => call(kong, made.steps, astray))
      const end = await answer(peer, made.reactions)
      // An event that has not ended by itself does so when Kong gives the connection up.
      for (let turns = 0; instances.find(1)?.events.size && turns < 20; turns += 1) await turn()
      const running = instances.find(1)?.events.size
      expect({ made, astray, running, unobserved }).toEqual({
        ...{ made, astray: [], running: 0, unobserved: [] },
      })
      ends.set(end, (ends.get(end) ?? 0) + 1)
      peer.stream.destroy()
    }
    expect([...ends.keys()].toSorted()).toEqual(['was answered', 'was dropped', 'went on'])
    expect(Math.min(...ends.values())).toBeGreaterThan(20)
  })
})
