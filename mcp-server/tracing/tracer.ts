import type { TraceParent } from './trace-context.ts'

/** Values of OpenTelemetry's attributes; never a header, a body or an argument of a tool. */
export type Attributes = Readonly<Record<string, string | number>>

/** The part of a trace that one request is. */
export interface RequestTrace {
  /** Names the trace in log lines; undefined when the caller sent none and none is made here. */
  readonly trace_id: string | undefined
  /** Runs something as a part of its own. A rejection is passed on, and marks the part as failed. */
  span<T>(name: string, attributes: Attributes, run: () => Promise<T>): Promise<T>
  end(status: number): void
}

export interface Tracer {
  begin(name: string, parent: TraceParent | undefined, attributes: Attributes): RequestTrace
  /** Sends what is left. */
  close(): Promise<void>
}

/** Exports nothing, and loads nothing. */
export const untraced: Tracer = {
  begin: (_name, parent) => ({
    trace_id: parent?.trace_id,
    span: (_part, _attributes, run) => run(),
    end: () => undefined,
  }),
  close: () => Promise.resolve(),
}
