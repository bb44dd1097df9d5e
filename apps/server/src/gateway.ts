import type { Readable } from 'node:stream'
import httpProxy from '@fastify/http-proxy'
import { commonProblems, type Contract, operationsOf } from '@soma/kernel'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { endAtDrain } from './end-at-drain.ts'

/** Forwards what this process does not host to the process that does, so that any process is a way in. Credentials go along; the other side proves them. */
export async function forwardToOthers(
  app: FastifyInstance,
  options: {
    contracts: readonly Contract[]
    moduleUrls: Readonly<Record<string, string>>
    /** Forwarded streams end then with a `drain` frame, forwarded waits with `unavailable`: their clients go on through another process. */
    drain: AbortSignal
  },
): Promise<void> {
  const { contracts, moduleUrls, drain } = options
  for (const contract of contracts) {
    const upstream = moduleUrls[contract.module]
    if (upstream === undefined) continue
    const isWait = waitsOf(contract)
    for (const prefix of prefixesOf(contract)) {
      await app.register(httpProxy, {
        upstream,
        prefix,
        rewritePrefix: prefix,
        http2: false,
        undici: { bodyTimeout: 0, headersTimeout: 0 },
        // What is still open to the other process when all callers are answered is a wait that ended.
        destroyAgent: true,
        preHandler: (request, reply, next) => {
          if (isWait(request)) endWaitAtDrain(reply, drain)
          next()
        },
        replyOptions: {
          onResponse: (_request, reply, response) => {
            const { stream } = response as unknown as { stream: Readable }
            if (reply.sent) stream.destroy()
            else reply.send(isEventStream(reply) ? endAtDrain(stream, drain) : stream)
          },
          onError: (reply, { error }) => {
            if (reply.sent) return
            reply.send(
              commonProblems.unavailable.create(`module "${contract.module}" does not answer`, { cause: error }),
            )
          },
        },
      })
    }
  }
}

/** As in a `drain` frame. */
const RETRY_AFTER_MS = 500

const isEventStream = (reply: { getHeader(name: string): unknown }): boolean =>
  String(reply.getHeader('content-type')).startsWith('text/event-stream')

/** Tells the requests of operations whose caller may wait long. */
function waitsOf(contract: Contract): (request: FastifyRequest) => boolean {
  const waits = operationsOf(contract)
    .filter((operation) => operation.waits === true)
    .map(({ method, path }) => ({ method, path: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`) }))
  return ({ method, url }) =>
    waits.some((wait) => wait.method === method && wait.path.test(url.split('?', 1)[0] as string))
}

function endWaitAtDrain(reply: FastifyReply, drain: AbortSignal): void {
  const end = () => {
    if (!reply.sent)
      reply.send(commonProblems.unavailable.create('this process is stopping', { retryAfterMs: RETRY_AFTER_MS }))
  }
  drain.addEventListener('abort', end, { once: true })
  reply.raw.once('close', () => drain.removeEventListener('abort', end))
}

/** `/v1/plans`, `/v1/tasks`: the first two segments of a module's paths. */
function prefixesOf(contract: Contract): string[] {
  return [...new Set(operationsOf(contract).map((operation) => operation.path.split('/').slice(0, 3).join('/')))]
}
