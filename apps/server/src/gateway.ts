import httpProxy from '@fastify/http-proxy'
import { commonProblems, type Contract, operationsOf } from '@soma/kernel'
import type { FastifyInstance } from 'fastify'

/** Forwards what this process does not host to the process that does, so that any process is a way in. Credentials go along; the other side proves them. */
export async function forwardToOthers(
  app: FastifyInstance,
  contracts: readonly Contract[],
  moduleUrls: Readonly<Record<string, string>>,
): Promise<void> {
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

/** `/v1/plans`, `/v1/tasks`: the first two segments of a module's paths. */
function prefixesOf(contract: Contract): string[] {
  return [...new Set(operationsOf(contract).map((operation) => operation.path.split('/').slice(0, 3).join('/')))]
}
