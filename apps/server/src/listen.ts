import type { Configuration } from '@soma/runtime'
import type { ServerSettings } from './server-contract.ts'

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost'])

/** @throws Error when a mode that lets callers in without a credential would listen beyond this machine (IDN-R52). */
export function refuseInsecureListen(configuration: Configuration): void {
  const { host, allowInsecureListen } = configuration.of('server') as ServerSettings
  const { authentication } = configuration.of('identity') as { authentication: string }
  if (authentication === 'strict' || LOOPBACK.has(host) || allowInsecureListen) return
  throw new Error(
    `mode ${configuration.mode} lets callers in without a credential (identity.authentication = ${authentication}), so it refuses to listen on ${host}: listen on 127.0.0.1, use a production mode, or set SOMA_SERVER_ALLOW_INSECURE_LISTEN=true`,
  )
}
