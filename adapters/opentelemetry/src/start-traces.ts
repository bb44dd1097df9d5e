import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'

export interface TracesOptions {
  /** OTLP over HTTP, with its path (`…/v1/traces`). */
  readonly endpoint: string
  readonly version: string
  readonly processId: string
}

/** Sends the spans of this process to a collector, in batches. Answers what flushes and ends it. The collector may be away: spans are dropped, nothing waits. */
export function startTraces({ endpoint, version, processId }: TracesOptions): () => Promise<void> {
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'soma',
      'service.version': version,
      'service.instance.id': processId,
    }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: endpoint, timeoutMillis: 5_000 }))],
  })
  provider.register()
  return () => provider.shutdown()
}
