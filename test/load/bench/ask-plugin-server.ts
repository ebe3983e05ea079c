import { createConnection } from 'node:net'
import { encodeFrames, FrameDecoder } from '../../../gateway/plugin-server/frames.ts'
import { pdk_methods } from '../../../gateway/plugin-server/pdk-methods.ts'
import { rpc_call } from '../../../gateway/plugin-server/rpc.ts'

/** A request on a route that the plugin answers itself. */
export interface AskedRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface PluginAnswer {
  readonly status: number
  readonly body: Buffer
}

/**
 * Plays Kong for one such request. Like Kong it drops the connection after `exit`, so every request
 * makes one of its own. Rejects when the plugin does not answer.
 */
export async function askPluginServer(
  socket: string,
  instance_id: number,
  { method, url, headers, body }: AskedRequest,
): Promise<PluginAnswer> {
  const replies: Readonly<Record<string, () => Uint8Array>> = {
    'kong.request.get_method': () => pdk_methods['kong.request.get_method'].reply.encode(method),
    'kong.request.get_path_with_query': () =>
      pdk_methods['kong.request.get_path_with_query'].reply.encode(url),
    'kong.request.get_headers': () => pdk_methods['kong.request.get_headers'].reply.encode(headers),
    'kong.client.get_forwarded_ip': () =>
      pdk_methods['kong.client.get_forwarded_ip'].reply.encode('127.0.0.1'),
    'kong.request.get_raw_body': () =>
      pdk_methods['kong.request.get_raw_body'].reply.encode({ content: body }),
  }
  const stream = createConnection({ path: socket })
  const decoder = new FrameDecoder()
  const call = { instance_id, event_name: 'access' }
  stream.write(encodeFrames(rpc_call.encode({ sequence: 1, cmd_handle_event: call })))
  let called: string | undefined
  for await (const chunk of stream)
    for (const frame of decoder.push(chunk as Buffer)) {
      if (called === undefined) {
        called = frame.toString('latin1')
        continue
      }
      if (called === 'kong.response.exit') {
        stream.destroy()
        const { status, body: answer } = pdk_methods['kong.response.exit'].argument.decode(frame)
        return { status, body: Buffer.from(answer) }
      }
      const reply = replies[called]
      if (!reply) throw new Error(`the plugin asked for ${called}`)
      stream.write(encodeFrames(reply()))
      called = undefined
    }
  throw new Error('the plugin server closed the connection')
}
