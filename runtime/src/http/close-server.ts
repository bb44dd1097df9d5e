import type { Server } from 'node:http'
import type { FastifyInstance } from 'fastify'

/** A connection whose last answer has gone out is idle at once; Node closes it only at its own time. */
const REAP_MS = 25

/** Stops listening and waits for the requests in hand; what is not answered after `graceMs` is cut. */
export const closeHttpServer = (app: FastifyInstance, graceMs: number): Promise<void> =>
  closeWithin(app.server, graceMs, () => app.close())

/** The same for a server whose end `close` waits for. */
export async function closeWithin(server: Server, graceMs: number, close: () => Promise<unknown>): Promise<void> {
  const reaping = setInterval(() => server.closeIdleConnections(), REAP_MS)
  const cutting = setTimeout(() => server.closeAllConnections(), graceMs)
  try {
    await close()
  } finally {
    clearInterval(reaping)
    clearTimeout(cutting)
  }
}
