import {
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { Logger } from 'pino'
import type { TraceParent } from './trace-context.ts'
import type { RequestTrace, Tracer } from './tracer.ts'

/**
 * Exports spans by OTLP over HTTP to `<endpoint>/v1/traces`, in batches. Headers, sampling and batch
 * sizes are read from OpenTelemetry's own environment variables by its packages. An endpoint that
 * does not answer is told in the log and costs the spans, never a request.
 */
export function createOtlpTracer(endpoint: string, service_name: string, log: Logger): Tracer {
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
  return {
    begin(name, parent, attributes): RequestTrace {
      const span = tracer.startSpan(
        name,
        { kind: SpanKind.SERVER, attributes: { ...attributes } },
        contextOf(parent),
      )
      const inside = trace.setSpan(ROOT_CONTEXT, span)
      return {
        trace_id: span.spanContext().traceId,
        async span(part, about, run) {
          const child = tracer.startSpan(part, { attributes: { ...about } }, inside)
          try {
            return await run()
          } catch (error) {
            child.setStatus({ code: SpanStatusCode.ERROR })
            throw error
          } finally {
            child.end()
          }
        },
        end: status => finish(span, status),
      }
    },
    close: () => provider.shutdown(),
  }
}

function contextOf(parent: TraceParent | undefined) {
  if (!parent) return ROOT_CONTEXT
  const { trace_id: traceId, span_id: spanId, flags: traceFlags } = parent
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}

function finish(span: Span, status: number): void {
  span.setAttribute('http.response.status_code', status)
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}
