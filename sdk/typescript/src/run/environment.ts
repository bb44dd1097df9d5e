import type { StartOptions } from './agent-runtime.ts'

/** Where the platform is and how the agent proves itself, as the environment says. The names of the original SDK are aliases. */
export function readEnvironment(): StartOptions {
  // oxlint-disable-next-line node/no-process-env -- `run()` is the entry of a process: the one place of the SDK that may read it
  const environment = process.env
  const url = environment.SOMA_URL ?? environment.SOORMA_URL ?? environment.SOORMA_EVENT_SERVICE_URL
  const apiKey = environment.SOMA_API_KEY
  const token = environment.SOMA_TOKEN ?? environment.SOORMA_AUTH_TOKEN
  return {
    ...(url === undefined ? {} : { url }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(token === undefined ? {} : { token }),
  }
}
