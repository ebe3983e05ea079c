import type { Logger } from 'pino'

import type { Conversation } from './conversation.ts'
import { createPdk } from './create-pdk.ts'
import { describeError } from './describe-error.ts'
import type { Exit } from './pdk-methods.ts'
import type { PluginInstance } from './plugin.ts'

/** What a client gets whenever a phase did not decide about its request. */
export const unavailable: Exit = {
  status: 503,
  body: Buffer.from(
    '{"error":"temporarily_unavailable","error_description":"The gateway could not decide about this request. Try again later."}',
  ),
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
}

/**
 * Runs one phase of an instance and ends its event. Whatever goes wrong becomes an `exit(503)`:
 * ending the event would let the request through, closing the connection would make Kong run the
 * event again without limit. Never rejects. `failed` is told before that exit is sent.
 */
export async function runEvent(
  plugin: PluginInstance,
  event_name: string,
  conversation: Conversation,
  log: Logger,
  failed: () => void,
): Promise<void> {
  try {
    if (event_name !== 'access') throw new Error(`the plugin has no phase ${event_name}`)
    await plugin.access(createPdk(conversation))
    if (!conversation.exited) await conversation.end()
  } catch (err) {
    await failClosed(err, event_name, conversation, log, failed)
  }
}

async function failClosed(
  err: unknown,
  event_name: string,
  conversation: Conversation,
  log: Logger,
  failed: () => void,
): Promise<void> {
  if (conversation.dropped) {
    log.info(
      { error: describeError(err), event_name },
      'Kong dropped the connection in the middle of an event',
    )
    return
  }
  if (conversation.exited) {
    log.error(
      { error: describeError(err), event_name },
      'a phase failed after it had answered the request',
    )
    return
  }
  failed()
  log.error(
    { error: describeError(err), event_name },
    'a phase failed: the request is answered with 503',
  )
  try {
    await conversation.exit(unavailable)
  } catch (cause) {
    log.info({ error: describeError(cause), event_name }, 'Kong was gone before it could be told')
  }
}
