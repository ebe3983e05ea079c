import type { z } from 'zod'
import type { ProductDatabase } from '../data/database.ts'
import type { Identity } from '../identity/identity.ts'
import { ToolError } from './tool-error.ts'

/** Who calls, and what the tools work on. */
export interface CallerContext {
  readonly identity: Identity
  readonly data: ProductDatabase
}

export interface ToolContext extends CallerContext {
  /** Aborts when nobody waits for the answer any more: then nothing is to be written that is not yet. */
  readonly signal: AbortSignal
  /**
   * Tells a client that asked for it how far the call has come; nothing to one that did not. Never what
   * came of it: that leaves with the answer, once it is on record.
   */
  readonly progress: (progress: Progress) => Promise<void>
}

/** MCP 2025-11-25, "Progress". */
export interface Progress {
  /** Grows with every one of a call. */
  readonly progress: number
  readonly total?: number
  /** For the person who waits. */
  readonly message?: string
}

export type Structured = Record<string, unknown>

interface Definition<Input extends z.ZodObject, Output extends z.ZodObject> {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly input: Input
  readonly output: Output
  /** What a client may assume; a tool without `writes` changes nothing. */
  readonly writes?: { readonly destructive: boolean; readonly idempotent: boolean }
  run(context: ToolContext, input: z.output<Input>): Promise<z.input<Output>> | z.input<Output>
}

export interface Tool {
  readonly name: string
  readonly writes: boolean
  /** The names of its arguments. */
  readonly arguments: readonly string[]
  /** What tools/list says of it. */
  readonly listing: {
    readonly title: string
    readonly description: string
    readonly inputSchema: z.ZodObject
    readonly outputSchema: z.ZodObject
    readonly annotations: {
      readonly readOnlyHint: boolean
      readonly destructiveHint: boolean
      readonly idempotentHint: boolean
      readonly openWorldHint: boolean
    }
  }
  /**
   * Checks the arguments and gives the call, which has not begun yet. Throws a ToolError that says
   * what to change.
   */
  prepare(raw: unknown): PreparedCall
}

export interface PreparedCall {
  /** The arguments as the tool will read them. */
  readonly input: Readonly<Record<string, unknown>>
  readonly run: (context: ToolContext) => Promise<Structured>
}

/** Makes a tool whose arguments and answer are held to its schemas. */
export function defineTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  definition: Definition<Input, Output>,
): Tool {
  const { name, title, description, input, output, writes } = definition
  return {
    name,
    writes: writes !== undefined,
    arguments: Object.keys(input.shape),
    listing: {
      title,
      description,
      inputSchema: input,
      outputSchema: output,
      annotations: {
        readOnlyHint: writes === undefined,
        destructiveHint: writes?.destructive ?? false,
        idempotentHint: writes?.idempotent ?? true,
        openWorldHint: false,
      },
    },
    prepare(raw) {
      const parsed = input.safeParse(raw ?? {})
      if (!parsed.success) {
        throw new ToolError('invalid_arguments', advice(name, parsed.error))
      }
      const { data } = parsed
      return {
        input: data,
        run: async context => output.parse(await definition.run(context, data)),
      }
    },
  }
}

function advice(name: string, error: z.ZodError): string {
  const changes = error.issues.map(
    ({ path, message }) => `- ${path.length === 0 ? 'arguments' : path.join('.')}: ${message}`,
  )
  return `The arguments of ${name} are not valid. Change this and call it again:\n${changes.join('\n')}`
}
