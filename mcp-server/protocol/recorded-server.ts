import {
  isJSONRPCErrorResponse,
  type JSONRPCMessage,
  McpServer,
  type Transport,
} from '@modelcontextprotocol/server'
import type { Recorder } from '../audit/recorder.ts'
import { recordRefusal } from './record-refusal.ts'

/**
 * An MCP server whose error messages are on record before they are sent, for the era in which an
 * answer is a stream that has left our hands by then (2025-11-25). The SDK answers some requests
 * before any handler of ours sees them; this is where those pass too.
 */
export class RecordedServer extends McpServer {
  readonly #recorder: Recorder

  constructor(recorder: Recorder, ...rest: ConstructorParameters<typeof McpServer>) {
    super(...rest)
    this.#recorder = recorder
  }

  override async connect(transport: Transport): Promise<void> {
    const send = transport.send.bind(transport)
    transport.send = async (message, options) => {
      await send(await this.#onRecord(message), options)
    }
    await super.connect(transport)
  }

  async #onRecord(message: JSONRPCMessage): Promise<JSONRPCMessage> {
    if (!isJSONRPCErrorResponse(message) || this.#recorder.failures > 0) return message
    const error = await recordRefusal(this.#recorder, message.error)
    return error === undefined ? message : { ...message, error }
  }
}
