import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clients, createClients } from '@soma/sdk/clients'

export interface ConnectionFlags {
  readonly url?: string
  readonly data?: string
}

export interface Connected {
  readonly clients: Clients
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

const DEFAULT_URL = 'http://127.0.0.1:4000'

/** Finds the server: flag, then `SOMA_URL`, then the one running beside (`.soma/server.json`), then the default port. Credentials come from the environment alone. */
export async function connectTo(flags: ConnectionFlags): Promise<Connected> {
  const url = flags.url ?? process.env.SOMA_URL ?? (await runningServer(flags.data ?? '.soma'))?.url ?? DEFAULT_URL
  const apiKey = process.env.SOMA_API_KEY
  const token = process.env.SOMA_TOKEN ?? process.env.SOORMA_AUTH_TOKEN
  const tenant = process.env.SOMA_TENANT
  const tenantHeader: Record<string, string> = tenant === undefined ? {} : { 'x-tenant-id': tenant }
  const auth = {
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(token === undefined ? {} : { token }),
    headers: { 'user-agent': 'soma-cli/0.1.0', ...tenantHeader },
  }
  const bearer = apiKey ?? token
  return {
    clients: createClients({ url, auth }),
    url,
    headers: { ...auth.headers, ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }) },
  }
}

/** The address that a server of this folder left; undefined when there is none, or when its process is gone. */
export async function runningServer(directory: string): Promise<{ url: string; pid: number } | undefined> {
  const text = await readFile(join(directory, 'server.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const address = JSON.parse(text) as { url: string; pid: number }
  return isAlive(address.pid) ? address : undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
