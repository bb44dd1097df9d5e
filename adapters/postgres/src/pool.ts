import type { Writable } from 'node:stream'
import pg from 'pg'

/** Fields of pg 8.23 that its types do not know. */
interface Untyped {
  readonly pool: pg.PoolConfig & { readonly pipeline: true }
  readonly client: pg.PoolClient & { readonly connection: { readonly stream: Writable } }
}

/**
 * Connections that send statements without waiting for the answers to earlier ones. Between transactions a connection is a role without rights, so that a statement whose
 * BEGIN did not hold can do nothing.
 */
export function createPool(config: pg.ClientConfig, size: number): pg.Pool {
  const pipelined: Untyped['pool'] = {
    ...config,
    options: `${config.options ?? ''} -c role=soma_nobody`,
    max: size,
    pipeline: true,
  }
  const pool = new pg.Pool(pipelined)
  pool.on('connect', (client) => gatherWrites((client as Untyped['client']).connection.stream))
  return pool
}

/** Statements that are sent in one go leave in one write: a write and the waking of the server cost more than making the statement. */
function gatherWrites(stream: Writable): void {
  const write = stream.write.bind(stream) as (...given: unknown[]) => boolean
  let gathering = false
  const send = () => {
    gathering = false
    stream.uncork()
  }
  const gather = (...given: unknown[]) => {
    if (!gathering) {
      gathering = true
      stream.cork()
      process.nextTick(send)
    }
    return write(...given)
  }
  stream.write = gather as Writable['write']
}
