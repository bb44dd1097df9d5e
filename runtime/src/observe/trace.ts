import {
  context as active,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { isProblem, traceIdOf } from '@soma/kernel'

export interface SpanOptions {
  /** W3C parent, from the request or the event. */
  readonly traceparent: string
  readonly kind: 'server' | 'consumer'
  /** The span begins a trace of its own with a link to the given one: what is done again long after belongs to the later trace. Default false. */
  readonly isLinked?: boolean
  readonly attributes: Readonly<Record<string, string>>
}

/**
 * Runs `work` in a span of the trace that `traceparent` names, and hands it the span's own `traceparent` for what it causes. One wide span an operation or handler.
 * While no exporter is registered nothing is recorded and the given `traceparent` is passed on.
 */
export async function inSpan<T>(
  name: string,
  options: SpanOptions,
  work: (traceparent: string) => Promise<T>,
): Promise<T> {
  const tracer = trace.getTracer('soma')
  const kind = options.kind === 'server' ? SpanKind.SERVER : SpanKind.CONSUMER
  const attributes = { ...options.attributes }
  const origin = spanContextOf(options.traceparent)
  const span =
    options.isLinked === true
      ? tracer.startSpan(name, { kind, attributes, links: [{ context: origin }] }, ROOT_CONTEXT)
      : tracer.startSpan(name, { kind, attributes }, trace.setSpanContext(ROOT_CONTEXT, origin))
  if (!span.isRecording()) return work(options.traceparent)
  try {
    return await active.with(trace.setSpan(ROOT_CONTEXT, span), () => work(traceparentOf(span)))
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: isProblem(error) ? error.code : 'internal' })
    throw error
  } finally {
    span.end()
  }
}

function spanContextOf(traceparent: string): SpanContext {
  const [, , spanId = '', flags = '01'] = traceparent.split('-')
  return { traceId: traceIdOf(traceparent), spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
}

function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}
