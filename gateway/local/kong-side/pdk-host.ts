import { pdk_methods } from '../../plugin-server/pdk-methods.ts'
import type { PdkArgument, PdkMethod, PdkReply } from '../../plugin-server/pdk-methods.ts'
import type { Message } from '../../plugin-server/protocol.ts'
import { PluginServerError } from './errors.ts'

/** The methods a host answers: all but `kong.response.exit`, which ends the event. */
export type HostMethod = Exclude<PdkMethod, 'kong.response.exit'>

/**
 * What the gateway does when a plugin calls the PDK, with plain values for arguments and replies:
 * `'kong.request.get_header': (name: string) => string | undefined` and so on. A method that is not
 * here ends the event with a protocol error, as it does in Kong.
 */
export type PdkHost = {
  readonly [M in HostMethod]?: (argument: PdkArgument<M>) => PdkReply<M> | Promise<PdkReply<M>>
}

type AnyMethods = Readonly<
  Record<HostMethod, { readonly argument: Message<unknown>; readonly reply: Message<unknown> }>
>
type AnyHost = Readonly<Record<HostMethod, (argument: unknown) => unknown>>

/**
 * Answers one call of a plugin's: decodes its argument, asks the host, encodes the reply.
 * @throws PluginServerError `protocol` for a method the host does not have or an undecodable argument;
 * what the host itself throws passes through.
 */
export async function answerPdkCall(
  host: PdkHost,
  name: string,
  argument: Uint8Array,
): Promise<Uint8Array> {
  if (!isHostMethod(host, name)) {
    throw new PluginServerError('protocol', `the plugin called ${name}, which is not answered here`)
  }
  // Which entry of the two tables belongs to which is lost on an index that is not a literal.
  const { argument: takes, reply: gives } = (pdk_methods as AnyMethods)[name]
  const method = (host as AnyHost)[name]
  let decoded: unknown
  try {
    decoded = takes.decode(argument)
  } catch (cause) {
    throw new PluginServerError('protocol', `the argument of ${name} cannot be decoded`, { cause })
  }
  return gives.encode(await method(decoded))
}

function isHostMethod(host: PdkHost, name: string): name is HostMethod {
  return Object.hasOwn(pdk_methods, name) && Object.hasOwn(host, name)
}
