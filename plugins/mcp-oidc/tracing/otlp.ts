import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Context,
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { Log } from '../log.ts'
import type { TraceParent } from './trace-context.ts'
import type { Tracer } from './tracer.ts'

const service_name = 'mcp-oidc'

/**
 * Exports spans by OTLP over HTTP to `<endpoint>/v1/traces`, in batches. An endpoint that does not
 * answer is told in the log and costs the spans, never a request.
 */
export function createOtlpTracer(endpoint: string, log: Log): Tracer {
  const report = (message: string) => log.warn({ reason: message }, 'a trace could not be exported')
  const silent = () => undefined
  diag.setLogger(
    { error: report, warn: report, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` })
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': service_name }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  })
  const tracer = provider.getTracer(service_name)
  /** The span of the request under way: what it does may be many calls away. */
  const under_way = new AsyncLocalStorage<Context>()

  return {
    async request(name, parent, attributes, run) {
      const span = tracer.startSpan(
        name,
        { kind: SpanKind.SERVER, attributes: { ...attributes } },
        contextOf(parent),
      )
      try {
        const status = await under_way.run(trace.setSpan(ROOT_CONTEXT, span), () =>
          run(traceparentOf(span.spanContext())),
        )
        if (status !== undefined) span.setAttribute('http.response.status_code', status)
        if (status !== undefined && status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
        return status
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR })
        throw error
      } finally {
        span.end()
      }
    },
    async part(name, attributes, run) {
      const inside = under_way.getStore()
      if (!inside) return run(silent)
      const options = { kind: SpanKind.CLIENT, attributes: { ...attributes } }
      const span = tracer.startSpan(name, options, inside)
      try {
        return await run(later => void span.setAttributes({ ...later }))
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR })
        throw error
      } finally {
        span.end()
      }
    },
    close: () =>
      provider
        .shutdown()
        .catch((error: unknown) =>
          log.warn({ err: error }, 'the last traces could not be exported'),
        ),
  }
}

function contextOf(parent: TraceParent | undefined): Context {
  if (!parent) return ROOT_CONTEXT
  const { trace_id: traceId, span_id: spanId, flags: traceFlags } = parent
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}

/** W3C Trace Context 3.2.2. */
function traceparentOf({ spanId, traceFlags, traceId }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}
