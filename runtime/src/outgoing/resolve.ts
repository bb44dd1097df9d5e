import { Resolver } from 'node:dns/promises'

export interface ResolvedAddress {
  readonly address: string
  readonly family: 4 | 6
}

/** All addresses of a name. @throws Error when it has none */
export type Resolve = (name: string) => Promise<readonly ResolvedAddress[]>

const TIMEOUT_MS = 2000
const TRIES = 2

/** By the name servers of the host, without the thread pool that `dns.lookup` uses: a slow name server of somebody's domain holds nothing else up. */
export function createResolve(): Resolve {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES })
  return async (name) => {
    // RFC 6761, section 6.3: not a question for a name server.
    if (/^(.+\.)?localhost\.?$/.test(name)) return [{ address: '127.0.0.1', family: 4 }]
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    const found = [
      ...(v4.status === 'fulfilled' ? v4.value.map((address) => ({ address, family: 4 as const })) : []),
      ...(v6.status === 'fulfilled' ? v6.value.map((address) => ({ address, family: 6 as const })) : []),
    ]
    if (found.length === 0 && v4.status === 'rejected') throw v4.reason
    return found
  }
}
