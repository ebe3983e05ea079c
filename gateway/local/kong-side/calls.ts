import type { Headers } from '../../plugin-server/pdk.ts'
import { pdk_methods } from '../../plugin-server/pdk-methods.ts'
import { sameInt64 } from '../../plugin-server/protocol.ts'
import { rpc_call, rpc_return } from '../../plugin-server/rpc.ts'
import type { RpcCall, RpcReturn } from '../../plugin-server/rpc.ts'
import type { Channel } from './channel.ts'
import { PluginServerError } from './errors.ts'
import { answerPdkCall } from './pdk-host.ts'
import type { PdkHost } from './pdk-host.ts'

/** What becomes of a request: the next plugin runs, or it is answered here. */
export type EventOutcome =
  | { readonly kind: 'continue' }
  | {
      readonly kind: 'exit'
      readonly status: number
      readonly body: Buffer
      readonly headers: Headers
    }

/** Sends a call that is answered by one frame. */
export async function callOnce(channel: Channel, call: RpcCall): Promise<RpcReturn> {
  channel.write(rpc_call.encode(call))
  return decodeReturn(await channel.read(), call)
}

/**
 * Runs one event: answers the plugin's PDK calls until it ends the event or the request. After an
 * exit the channel must be dropped.
 */
export async function converse(
  channel: Channel,
  call: RpcCall,
  host: PdkHost,
): Promise<EventOutcome> {
  channel.write(rpc_call.encode(call))
  for (;;) {
    const name = (await channel.read()).toString()
    if (name === '') break
    const argument = await channel.read()
    if (name === 'kong.response.exit') return decodeExit(argument)
    channel.write(await answerPdkCall(host, name, argument))
  }
  decodeReturn(await channel.read(), call)
  return { kind: 'continue' }
}

function decodeExit(argument: Buffer): EventOutcome {
  try {
    const { status, body, headers } = pdk_methods['kong.response.exit'].argument.decode(argument)
    return { kind: 'exit', status, body: Buffer.from(body), headers }
  } catch (cause) {
    throw new PluginServerError('protocol', 'the arguments of exit cannot be decoded', { cause })
  }
}

function decodeReturn(frame: Buffer, call: RpcCall): RpcReturn {
  let answer: RpcReturn
  try {
    answer = rpc_return.decode(frame)
  } catch (cause) {
    throw new PluginServerError('protocol', 'the answer to a call cannot be decoded', { cause })
  }
  if (!sameInt64(answer.sequence, call.sequence)) {
    throw new PluginServerError('protocol', 'the answer does not repeat the sequence of the call')
  }
  return answer
}
