import { randomBytes } from 'node:crypto'
import {
  acceptedContent,
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  createRequestStateCodec,
  type InputRequests,
  inputRequired,
  inputResponse,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { z } from 'zod'

/** What a client carries from one round to the next: signed, so that nobody changes it on the way. */
export const round_state = createRequestStateCodec<{ readonly round: number }>({
  key: randomBytes(32),
})

const said = (text: string): CallToolResult => ({ content: [{ type: 'text', text }] })
const ask = (message: string, name: string) =>
  inputRequired.elicit({ message, requestedSchema: z.object({ [name]: z.string() }) })
const sample = (text: string, maxTokens: number) =>
  inputRequired.createMessage({
    messages: [{ role: 'user', content: { type: 'text', text } }],
    maxTokens,
  })
const user_name = ask('What is your name?', 'name')
const confirm = inputRequired.elicit({
  message: 'Please confirm',
  requestedSchema: z.object({ ok: z.boolean() }),
})
const client_roots = inputRequired.listRoots()

const answered = ({ mcpReq }: ServerContext, keys: readonly string[]) =>
  keys.every(key => inputResponse(mcpReq.inputResponses, key).kind !== 'missing')
/** Of the SDK's type for it nothing is left. */
const Envelope = z.looseObject({
  [CLIENT_CAPABILITIES_META_KEY]: z.record(z.string(), z.unknown()),
})
const has = ({ mcpReq }: ServerContext, capability: 'elicitation' | 'sampling') =>
  capability in Envelope.parse(mcpReq.envelope)[CLIENT_CAPABILITIES_META_KEY]

/** Asks all of these at once, and says `done` when the answers are there. */
const asks =
  (inputRequests: InputRequests, done: string, with_state = false) =>
  async (context: ServerContext) => {
    if (answered(context, Object.keys(inputRequests))) {
      const known = context.mcpReq.requestState<{ round: number }>()?.round === 1
      return said(with_state && !known ? 'the state is lost' : done)
    }
    return inputRequired({
      inputRequests,
      ...(with_state && { requestState: await round_state.mint({ round: 1 }) }),
    })
  }

/** Tools and a prompt that ask the client something first, and go on when it calls again (SEP-2322). */
export function addInputRequired(server: McpServer): void {
  const capital_question = sample('What is the capital of France?', 100)
  const greeting = sample('Generate a greeting', 50)
  const tools = {
    test_input_required_result_elicitation: greet,
    test_input_required_result_sampling: asks({ capital_question }, 'Paris'),
    test_input_required_result_list_roots: asks({ client_roots }, 'Roots were given'),
    test_input_required_result_request_state: asks({ confirm }, 'state-ok', true),
    test_input_required_result_tampered_state: asks({ confirm }, 'confirmed', true),
    test_input_required_result_multiple_inputs: asks(
      { user_name, greeting, client_roots },
      'All is answered',
      true,
    ),
    test_input_required_result_multi_round: inTwoRounds,
    test_input_required_result_capabilities: (context: ServerContext) =>
      inputRequired({
        inputRequests: has(context, 'elicitation') ? { user_name } : { capital_question },
      }),
    test_streaming_elicitation: asks({ user_name }, 'done'),
    test_missing_capability: asks({ capital_question }, 'done'),
  }
  for (const [name, call] of Object.entries(tools))
    server.registerTool(name, { description: `Asks: ${name}` }, call)
  server.registerPrompt('test_input_required_result_prompt', { description: 'Asks' }, context => {
    const user_context = ask('What context should the prompt use?', 'context')
    return answered(context, ['user_context'])
      ? { messages: [{ role: 'user', content: { type: 'text', text: 'In this context.' } }] }
      : inputRequired({ inputRequests: { user_context } })
  })
}

const Name = z.object({ name: z.string() })

function greet({ mcpReq }: ServerContext) {
  const given = acceptedContent(mcpReq.inputResponses, 'user_name', Name)
  return given ? said(`Hello, ${given.name}!`) : inputRequired({ inputRequests: { user_name } })
}

async function inTwoRounds(context: ServerContext) {
  const { round = 0 } = context.mcpReq.requestState<{ round: number }>() ?? {}
  if (round === 2 && answered(context, ['step2'])) return said('Both steps are done')
  const next = round === 1 && answered(context, ['step1']) ? 2 : 1
  return inputRequired({
    inputRequests:
      next === 1
        ? { step1: ask('Step 1: What is your name?', 'name') }
        : { step2: ask('Step 2: What is your favorite color?', 'color') },
    requestState: await round_state.mint({ round: next }),
  })
}
