import type { Readable } from 'node:stream'
import httpProxy from '@fastify/http-proxy'
import { commonProblems, type Contract, operationsOf } from '@soma/kernel'
import type { FastifyInstance } from 'fastify'
import { endAtDrain } from './end-at-drain.ts'

/** Forwards what this process does not host to the process that does, so that any process is a way in. Credentials go along; the other side proves them. */
export async function forwardToOthers(
  app: FastifyInstance,
  options: {
    contracts: readonly Contract[]
    moduleUrls: Readonly<Record<string, string>>
    /** Forwarded streams end then with a `drain` frame: their clients resume through another process. */
    drain: AbortSignal
  },
): Promise<void> {
  const { contracts, moduleUrls, drain } = options
  for (const contract of contracts) {
    const upstream = moduleUrls[contract.module]
    if (upstream === undefined) continue
    for (const prefix of prefixesOf(contract)) {
      await app.register(httpProxy, {
        upstream,
        prefix,
        rewritePrefix: prefix,
        http2: false,
        undici: { bodyTimeout: 0, headersTimeout: 0 },
        replyOptions: {
          onResponse: (_request, reply, response) => {
            const { stream } = response as unknown as { stream: Readable }
            reply.send(isEventStream(reply) ? endAtDrain(stream, drain) : stream)
          },
          onError: (reply, { error }) => {
            reply.send(
              commonProblems.unavailable.create(`module "${contract.module}" does not answer`, { cause: error }),
            )
          },
        },
      })
    }
  }
}

const isEventStream = (reply: { getHeader(name: string): unknown }): boolean =>
  String(reply.getHeader('content-type')).startsWith('text/event-stream')

/** `/v1/plans`, `/v1/tasks`: the first two segments of a module's paths. */
function prefixesOf(contract: Contract): string[] {
  return [...new Set(operationsOf(contract).map((operation) => operation.path.split('/').slice(0, 3).join('/')))]
}
