import type { Duplex } from 'node:stream'

import type { Logger } from 'pino'

import { Conversation } from './conversation.ts'
import { describeError } from './describe-error.ts'
import { describePlugin } from './dump.ts'
import { ConnectionDroppedError, FrameStream } from './frame-stream.ts'
import type { Instances } from './instances.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { ServerMetrics } from './metrics.ts'
import type { PluginModule } from './plugin.ts'
import type { Int64 } from './protocol.ts'
import { rpc_call, rpc_return } from './rpc.ts'
import type { RpcCall, RpcReturn } from './rpc.ts'
import { runEvent, unavailable } from './run-event.ts'

export interface ConnectionOptions {
  readonly module: PluginModule
  readonly instances: Instances
  readonly lifecycle: Lifecycle
  readonly log: Logger
  readonly metrics: ServerMetrics
  /** True once the server is ending: then a connection ends with the event it carries. */
  readonly ending: () => boolean
}

/** What becomes of the connection after a call. */
type Next = 'go on' | 'wait for Kong to drop it' | 'close'

export interface ServedConnection {
  readonly frames: FrameStream
  /** An idle connection can be closed at any time, as Kong's own pool does. */
  readonly busy: () => boolean
}

/**
 * Answers the calls on one connection until it is dropped, one after the other. We close it ourselves
 * only for an instance id that is not known (that is how Kong learns to start the instance again) and
 * for a frame above the size limit outside an event.
 */
export function serveConnection(stream: Duplex, options: ConnectionOptions): ServedConnection {
  const frames = new FrameStream(stream)
  let busy = false
  const serve = async () => {
    for (;;) {
      const frame = await frames.read()
      busy = true
      const next = await answer(frames, frame, options)
      busy = false
      if (next === 'close') frames.destroy()
      // What was sent still reaches Kong: ending comes after it.
      else if (options.ending() || frames.failure) frames.end()
      if (next !== 'go on') return frames.ignore()
    }
  }
  serve().catch((err: unknown) => {
    if (err instanceof ConnectionDroppedError) return
    options.log.error(
      { error: describeError(err) },
      'a connection cannot be followed any more and is closed',
    )
    frames.destroy()
  })
  return { frames, busy: () => busy }
}

async function answer(
  frames: FrameStream,
  frame: Buffer,
  options: ConnectionOptions,
): Promise<Next> {
  const call = decodeCall(frame, options.log)
  switch (call?.call) {
    case 'cmd_handle_event':
      return handleEvent(frames, call, options)
    case 'cmd_get_instance_status': {
      const instance = options.instances.find(call.cmd_get_instance_status?.instance_id ?? 0)
      if (!instance) return 'close'
      return reply(frames, call.sequence, { instance_status: options.instances.status(instance) })
    }
    case 'cmd_start_instance':
      return reply(frames, call.sequence, await startInstance(call, options))
    case 'cmd_close_instance': {
      const instance = options.instances.find(call.cmd_close_instance?.instance_id ?? 0)
      if (!instance) return reply(frames, call.sequence, {})
      await options.lifecycle.close(instance)
      return reply(frames, call.sequence, { instance_status: options.instances.status(instance) })
    }
    case 'cmd_get_plugin_names':
      return reply(frames, call.sequence, { plugin_names: { names: [options.module.Name] } })
    case 'cmd_get_plugin_info':
      return reply(frames, call.sequence, pluginInfo(call, options))
    case undefined:
      return refuseUnreadable(frames)
  }
}

async function handleEvent(
  frames: FrameStream,
  call: RpcCall,
  { instances, log, metrics }: ConnectionOptions,
): Promise<Next> {
  const { instance_id = 0, event_name = '' } = call.cmd_handle_event ?? {}
  const instance = instances.find(instance_id)
  if (!instance) {
    log.info({ instance_id }, 'Kong named an unknown instance: closing, so that it starts it again')
    return 'close'
  }
  const conversation = new Conversation(frames, call.sequence)
  instance.events.add(conversation.over)
  const ended = metrics.event()
  const phase = { failed: false }
  // Not awaited: the plugin's promise may outlive its event, which is over once Kong has its answer.
  void runEvent(instance.plugin, event_name, conversation, instance.log, () => {
    phase.failed = true
  })
  const ending = await conversation.over
  ended(phase.failed ? 'failed' : ending)
  instance.events.delete(conversation.over)
  return ending === 'continued' ? 'go on' : 'wait for Kong to drop it'
}

/** Each line of what is wrong with a configuration is a problem of its own to the operator. */
async function startInstance(
  call: RpcCall,
  { instances, lifecycle, log, metrics }: ConnectionOptions,
): Promise<Answer> {
  const { name = '', config = new Uint8Array() } = call.cmd_start_instance ?? {}
  const { id, problems } = await lifecycle.start(name, Buffer.from(config).toString())
  const instance = instances.find(id)
  if (!instance) throw new Error('the instance was closed while it was started')
  metrics.instanceStart(problems === '' ? 'ok' : 'failed')
  if (problems === '') log.info({ plugin: name, instance_id: id }, 'a plugin instance was started')
  for (const problem of problems.split('\n').filter(line => line.trim() !== ''))
    log.error({ plugin: name }, `a plugin instance was not started: ${problem.trim()}`)
  return { instance_status: instances.status(instance) }
}

function pluginInfo(call: RpcCall, { module, log }: ConnectionOptions): Answer {
  const name = call.cmd_get_plugin_info?.name ?? ''
  if (name !== module.Name) {
    log.error({ plugin: name }, 'Kong asked about a plugin that is not here')
    return {}
  }
  const { Version, Priority, Phases, Schema } = describePlugin(module)
  const schema = JSON.stringify(Schema)
  const info = { name, version: Version, priority: Priority, phases: Phases, schema }
  return { plugin_info: info }
}

/**
 * A frame that is no call. Were it an event, closing would make Kong run it again for ever and an
 * ordinary answer could let the request through; an exit refuses it, and any other call fails on it.
 */
async function refuseUnreadable(frames: FrameStream): Promise<Next> {
  const conversation = new Conversation(frames, 0)
  await conversation.exit(unavailable)
  return 'wait for Kong to drop it'
}

function decodeCall(frame: Buffer, log: Logger): RpcCall | undefined {
  try {
    const call = rpc_call.decode(frame)
    if (call.call) return call
    log.error('Kong sent a call without a command that is known here')
  } catch (err) {
    log.error({ error: describeError(err) }, 'Kong sent a call that cannot be decoded')
  }
  return undefined
}

type Answer = Omit<RpcReturn, 'sequence'>

function reply(frames: FrameStream, sequence: Int64, answer: Answer): Next {
  frames.send(rpc_return.encode({ sequence, ...answer }))
  return 'go on'
}
