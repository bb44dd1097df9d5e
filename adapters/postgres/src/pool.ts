import pg from 'pg'

/**
 * Connections that send statements without waiting for the answers to earlier ones. Between transactions a connection is a role without rights, so that a statement whose
 * BEGIN did not hold can do nothing. `pipeline` is a field of pg 8.23 that its types do not know.
 */
export function createPool(config: pg.ClientConfig, size: number): pg.Pool {
  const pipelined: pg.PoolConfig & { readonly pipeline: true } = {
    ...config,
    options: `${config.options ?? ''} -c role=soma_nobody`,
    max: size,
    pipeline: true,
  }
  return new pg.Pool(pipelined)
}
