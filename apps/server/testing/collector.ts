import { once } from 'node:events'
import { createServer } from 'node:http'

/** A span as OTLP over HTTP tells it in JSON, as far as tests read it. */
export interface CollectedSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly startTimeUnixNano: string
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[]
}

export interface Collector {
  /** For `server.otlpEndpoint`. */
  readonly endpoint: string
  /** What was sent so far, in any order. */
  spans(): CollectedSpan[]
  close(): Promise<void>
}

/** A collector of traces on a free port of 127.0.0.1. */
export async function createCollector(): Promise<Collector> {
  const bodies: string[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    bodies.push(body)
    response.end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return {
    endpoint: `http://127.0.0.1:${port}/v1/traces`,
    spans: () => bodies.flatMap(spansOf),
    close: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}

function spansOf(body: string): CollectedSpan[] {
  const { resourceSpans } = JSON.parse(body) as {
    resourceSpans: { scopeSpans: { spans: CollectedSpan[] }[] }[]
  }
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
}
