import type { FastifyInstance } from 'fastify'

/** A connection whose last answer has gone out is idle at once; Node closes it only at its own time. */
const REAP_MS = 25

/** Stops listening and waits for the requests in hand; what is not answered after `graceMs` is cut. */
export async function closeHttpServer(app: FastifyInstance, graceMs: number): Promise<void> {
  const reaping = setInterval(() => app.server.closeIdleConnections(), REAP_MS)
  const cutting = setTimeout(() => app.server.closeAllConnections(), graceMs)
  try {
    await app.close()
  } finally {
    clearInterval(reaping)
    clearTimeout(cutting)
  }
}
