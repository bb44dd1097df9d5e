import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { newTraceparent } from '@soma/kernel'
import { type Clients, type ConnectOptions, createClients } from '@soma/sdk/clients'
import { UsageError } from './failure.ts'
import { createRetryingFetch } from './retrying-fetch.ts'
import { VERSION } from './version.ts'

export interface ConnectionFlags {
  readonly url?: string | undefined
  readonly data?: string | undefined
  /** 0–10, default 3. */
  readonly retries?: number | undefined
  readonly idempotencyKey?: string | undefined
  /** Told about repeated requests. */
  readonly note?: ((text: string) => void) | undefined
}

export interface Connected {
  readonly clients: Clients
  readonly url: string
  /** How the caller proves itself: for agents that connect by themselves. */
  readonly auth: Pick<ConnectOptions, 'apiKey' | 'token' | 'headers'>
  /** Asks what is no operation: readiness, OpenAPI. With the caller's credentials. */
  get(path: string): Promise<Response>
}

const DEFAULT_URL = 'http://127.0.0.1:4000'

/** Finds the server: flag, then `SOMA_URL`, then the one running beside (`.soma/server.json`), then the default port. Credentials come from the environment alone. */
export async function connectTo(flags: ConnectionFlags): Promise<Connected> {
  const url = await serverUrl(flags)
  const apiKey = process.env.SOMA_API_KEY
  const token = process.env.SOMA_TOKEN ?? process.env.SOORMA_AUTH_TOKEN
  const tenant = process.env.SOMA_TENANT
  const headers = {
    'user-agent': `soma-cli/${VERSION}`,
    traceparent: newTraceparent(),
    ...(tenant === undefined ? {} : { 'x-tenant-id': tenant }),
  }
  const fetch = createRetryingFetch({
    fetch: globalThis.fetch,
    retries: flags.retries ?? 3,
    idempotencyKey: flags.idempotencyKey,
    note: flags.note ?? (() => undefined),
  })
  const auth = {
    headers,
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(token === undefined ? {} : { token }),
  }
  const bearer = apiKey ?? token
  const authorization: Record<string, string> = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }
  return {
    clients: createClients({ url, auth, fetch }),
    url,
    auth,
    get: (path) => globalThis.fetch(url + path, { headers: { ...headers, ...authorization } }),
  }
}

async function serverUrl({ url: flag, data }: ConnectionFlags): Promise<string> {
  const given = flag ?? process.env.SOMA_URL
  if (given !== undefined) return checkedUrl(given, flag === undefined ? 'SOMA_URL' : '--url')
  return (await runningServer(data ?? dataDirectory()))?.url ?? DEFAULT_URL
}

/** Where a server of this folder keeps its data: `SOMA_SERVER_DATA_DIRECTORY`, else `.soma`. */
export const dataDirectory = (): string => process.env.SOMA_SERVER_DATA_DIRECTORY ?? '.soma'

function checkedUrl(text: string, origin: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text.replace(/\/+$/, '')
  throw new UsageError(`${origin} is "${text}": give a URL such as ${DEFAULT_URL}`)
}

export interface RunningServer {
  readonly url: string
  readonly pid: number
  readonly startedAt?: string
  readonly mode?: string
}

/** The address that a server of this folder left; undefined when there is none, or when its process is gone. */
export async function runningServer(directory: string): Promise<RunningServer | undefined> {
  const path = join(directory, 'server.json')
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const address = parseAddress(text, path)
  return isAlive(address.pid) ? address : undefined
}

function parseAddress(text: string, path: string): RunningServer {
  try {
    return JSON.parse(text) as RunningServer
  } catch (error) {
    throw new UsageError(`${path} is no JSON: delete it, the next \`soma serve\` writes it again`, { cause: error })
  }
}

/** Whether a process of this machine still runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
