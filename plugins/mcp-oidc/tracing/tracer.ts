import type { TraceParent } from './trace-context.ts'

/** Values of OpenTelemetry's attributes; never a header, a query or a body. */
export type Attributes = Readonly<Record<string, string | number>>

export interface Tracer {
  /**
   * Runs a request as a span, which ends with the status that `run` gives; without one it is passed on.
   * `run` gets the span as a `traceparent` for whoever goes on with the request, where spans are made.
   */
  request<S extends number | undefined>(
    name: string,
    parent: TraceParent | undefined,
    attributes: Attributes,
    run: (traceparent: string | undefined) => Promise<S>,
  ): Promise<S>
  /**
   * Runs something as a part of the request under way, and alone when there is none. `note` adds what
   * is known later. A rejection is passed on, and marks the part as failed.
   */
  part<T>(
    name: string,
    attributes: Attributes,
    run: (note: (later: Attributes) => void) => Promise<T>,
  ): Promise<T>
  /** Sends what is left. Never rejects. */
  close(): Promise<void>
}

/** Exports nothing, and loads nothing. */
export const untraced: Tracer = {
  request: (_name, _parent, _attributes, run) => run(undefined),
  part: (_name, _attributes, run) => run(() => undefined),
  close: () => Promise.resolve(),
}
