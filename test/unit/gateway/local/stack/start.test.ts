import { createServer } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it } from '@jest/globals'
import { listenOnLoopback } from '../../../../../gateway/local/loopback.ts'
import { parseOptions } from '../../../../../gateway/local/stack/options.ts'
import { createParts } from '../../../../../gateway/local/stack/parts.ts'
import { freePorts, takenPorts } from '../../../../../gateway/local/stack/ports.ts'
import { untilReady } from '../../../../../gateway/local/stack/readiness.ts'

const what = 'the gateway'
const remedy = 'Choose another.'

describe('ports', () => {
  it('names each port that is taken, and what to do', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const [free = 0] = await freePorts(1)
    expect(
      await takenPorts([
        { port, what, remedy },
        { port: free, what, remedy },
      ]),
    ).toEqual([`Port ${port}, for the gateway, is taken by another program. Choose another.`])
    server.close()
  })

  it('gives different free ports, none that a connection going out could have', async () => {
    const ports = await freePorts(5)
    expect(new Set(ports).size).toBe(5)
    expect(Math.max(...ports)).toBeLessThan(32_768)
  })

  it('listens where localhost leads, and gives the port back', async () => {
    const listening = await listenOnLoopback((_request, response) => response.end('here'), 0)
    for (const host of ['localhost', '127.0.0.1'])
      expect(await (await fetch(`http://${host}:${listening.port}/`)).text()).toBe('here')
    const wanted = [{ port: listening.port, what, remedy }]
    expect(await takenPorts(wanted)).toHaveLength(1)
    await listening.close()
    expect(await takenPorts(wanted)).toEqual([])
  })
})

describe('the options of npm start', () => {
  it('have defaults', () => {
    expect(parseOptions([])).toEqual({
      help: false,
      port: 8000,
      url: undefined,
      demo: true,
      gateway: true,
    })
  })

  it('leave the demo out where there is no gateway to run it against', () => {
    expect(parseOptions(['--without-gateway'])).toMatchObject({ demo: false, gateway: false })
    expect(parseOptions(['--no-demo'])).toMatchObject({ demo: false, gateway: true })
  })

  it('take the public URL as an origin', () => {
    expect(parseOptions(['--url', 'https://GW.example/'])).toMatchObject({
      url: 'https://gw.example',
    })
  })

  it.each([
    ['--port', 'x', 'is not a port'],
    ['--port', '0', 'is not a port'],
    ['--port', '70000', 'is not a port'],
    ['--url', 'gw.example', 'is not an origin'],
    ['--url', 'https://gw.example/mcp', 'is not an origin'],
    ['--unknown', '', 'Unknown option'],
  ])('refuse %s %s', (name, value, message) => {
    expect(() => parseOptions([name, value])).toThrow(message)
  })
})

describe('waiting until ready', () => {
  const signal = new AbortController().signal

  it('asks again until it is', async () => {
    let asked = 0
    const probe = () => (++asked < 3 ? Promise.reject(new Error('not yet')) : Promise.resolve())
    await untilReady(probe, { patience: 10_000, signal })
    expect(asked).toBe(3)
  })

  it('gives the last reason when patience is at its end', async () => {
    const probe = () => Promise.reject(new Error('no database'))
    await expect(untilReady(probe, { patience: 0, signal })).rejects.toThrow('no database')
  })

  it('ends with the signal', async () => {
    const stop = new AbortController()
    const probe = () => {
      stop.abort(new Error('interrupted'))
      return Promise.reject(new Error('not yet'))
    }
    await expect(untilReady(probe, { patience: 10_000, signal: stop.signal })).rejects.toThrow(
      'interrupted',
    )
  })
})

describe('stopping', () => {
  it('goes backwards, once, and past a part that does not stop', async () => {
    const stopped: string[] = []
    const complaints: string[] = []
    const parts = createParts(line => complaints.push(line))
    for (const name of ['first', 'second', 'third'])
      parts.add(name, () => {
        stopped.push(name)
        return name === 'second' ? Promise.reject(new Error('stuck')) : Promise.resolve()
      })
    await Promise.all([parts.stop(), parts.stop()])
    expect(stopped).toEqual(['third', 'second', 'first'])
    expect(complaints).toEqual(['second did not stop: stuck'])
  })
})
