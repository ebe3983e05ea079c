import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createConnection } from 'node:net'
import type {
  EventOutcome,
  PdkHost,
  PluginServerClient,
} from '../../gateway/local/kong-side/client.ts'
import type { Headers } from '../../gateway/plugin-server/pdk.ts'

/** The codec that kong-pdk itself brings. */
interface MsgPack {
  readonly encode: (value: unknown, options: { ignoreUndefined: boolean }) => Uint8Array
  readonly decodeMultiStream: (stream: AsyncIterable<Uint8Array>) => AsyncGenerator<unknown, void>
}
const kong_pdk = createRequire(createRequire(import.meta.filename).resolve('kong-pdk/server.js'))
const { encode, decodeMultiStream } = kong_pdk('@msgpack/msgpack') as MsgPack

interface Call {
  readonly Method: string
  readonly Args: readonly unknown[]
}
interface Step {
  readonly EventId: number
  readonly Data: Call | 'ret'
}

export type StockClient = Pick<PluginServerClient, 'startInstance' | 'handleEvent' | 'close'>

/**
 * Kong's side of kong-pdk's protocol: MsgPack RPC, one call at a time. A phase is a `HandleEvent`
 * and a `Step` with each result, answered by the next PDK call or `ret`. Kong says no more of an
 * event after an exit. Source: what Kong's mp_rpc.lua sends and takes.
 */
export async function connectStockServer(socket: string): Promise<StockClient> {
  const stream = createConnection({ path: socket })
  await once(stream, 'connect')
  const answers = decodeMultiStream(stream)
  let last_id = 0

  async function call(method: string, argument: unknown): Promise<unknown> {
    last_id += 1
    stream.write(encode([0, last_id, `plugin.${method}`, [argument]], { ignoreUndefined: true }))
    const { value, done } = await answers.next()
    if (done === true) throw new Error('the plugin server closed the connection')
    const [type, id, error, result] = value as readonly unknown[]
    if (type !== 1 || id !== last_id) throw new Error(`not an answer to call ${last_id}`)
    if (error !== null) throw new Error(error as string)
    return result
  }

  return {
    async startInstance(name, config) {
      const started = await call('StartInstance', { Name: name, Config: JSON.stringify(config) })
      return (started as { readonly Id: number }).Id
    },

    async handleEvent(InstanceId, EventName, host): Promise<EventOutcome> {
      let step = (await call('HandleEvent', { InstanceId, EventName })) as Step
      const { EventId } = step
      while (step.Data !== 'ret') {
        const { Method, Args } = step.Data
        if (Method === 'kong.response.exit') return exitOf(Args)
        step = (await answer(Method, Args, host).then(
          Data => call(Method.endsWith('get_headers') ? 'StepMultiMap' : 'Step', { EventId, Data }),
          (error: unknown) => call('StepError', { EventId, Data: String(error) }),
        )) as Step
      }
      return { kind: 'continue' }
    },

    close: () => void stream.destroy(),
  }
}

/** Asks the host and gives the result the shape in which Kong sends it. */
async function answer(name: string, given: readonly unknown[], host: PdkHost): Promise<unknown> {
  const method = (host as Readonly<Record<string, ((argument: unknown) => unknown) | undefined>>)[
    name
  ]
  if (!method) throw new Error(`this Kong does not know ${name}`)
  const takes_list = name.startsWith('kong.log.') || given.length > 1
  const result = await method(takes_list ? given : given[0])
  if (name === 'kong.request.get_headers') return asLists(result as Headers)
  // Binary, not a string; a body in a file is nothing to Kong's MsgPack.
  if (name === 'kong.request.get_raw_body') return (result as { content?: Uint8Array }).content
  return result
}

function asLists(headers: Headers): Headers {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      typeof value === 'string' ? [value] : value,
    ]),
  )
}

function exitOf(given: readonly unknown[]): EventOutcome {
  const [status, body, headers] = given as [number, string | Uint8Array, Headers]
  return { kind: 'exit', status, body: Buffer.from(body as Uint8Array), headers }
}
