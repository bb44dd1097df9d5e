import { type Context, createHttpTransport, newTraceparent, type Transport } from '@soma/kernel'

/** A platform in this process: calls reach its operations directly, after the same proof of the caller and with the same validation as over HTTP. */
export interface InProcessPlatform {
  readonly transport: Transport
  authenticate(credentials: {
    readonly headers: Readonly<Record<string, string | undefined>>
    readonly remoteAddress: string
    readonly traceparent: string
  }): Promise<Context>
}

export interface ConnectOptions {
  /** Calls go to this platform directly; `url` is not used. */
  readonly platform?: InProcessPlatform | undefined
  /** `http://host:port`. Default http://127.0.0.1:4000. */
  readonly url?: string | undefined
  readonly apiKey?: string | undefined
  /** A token, or what gives one for each call: it decides itself when to renew. */
  readonly token?: string | (() => string | Promise<string>) | undefined
  /** Further headers, such as `X-Tenant-ID` in developer modes. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly fetch?: typeof globalThis.fetch | undefined
}

/** In whose name a call is made: the delivery that is being handled, and the trace it belongs to. */
export interface CallName {
  readonly deliveryId?: string | undefined
  readonly traceparent?: string | undefined
}

/** Makes transports that prove the same caller. A call in the name of a delivery acts for its user, session, plan and task. */
export type Connection = (name?: CallName) => Transport

export const DEFAULT_URL = 'http://127.0.0.1:4000'

export function connect(options: ConnectOptions): Connection {
  const { platform } = options
  const headersOf = async (name: CallName): Promise<Record<string, string>> => ({
    ...(await callerHeaders(options)),
    ...(name.deliveryId === undefined ? {} : { 'soma-delivery': name.deliveryId }),
    ...(name.traceparent === undefined ? {} : { traceparent: name.traceparent }),
  })
  if (platform !== undefined) return (name = {}) => inProcess(platform, () => headersOf(name))
  const url = urlOf(options)
  const fetch = options.fetch ?? globalThis.fetch
  return (name = {}) => createHttpTransport({ url, fetch, headers: () => headersOf(name) })
}

/** Without a trailing slash. */
export const urlOf = ({ url = DEFAULT_URL }: ConnectOptions): string => url.replace(/\/$/, '')

/** The headers that prove the caller, by lower-case name. */
export async function callerHeaders({ apiKey, token, headers = {} }: ConnectOptions): Promise<Record<string, string>> {
  const bearer = apiKey ?? (typeof token === 'function' ? await token() : token)
  return {
    ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
  }
}

function inProcess(platform: InProcessPlatform, headersOf: () => Promise<Record<string, string>>): Transport {
  return async (call) => {
    const headers = await headersOf()
    const traceparent = headers.traceparent ?? newTraceparent()
    const context = await platform.authenticate({ headers, remoteAddress: '127.0.0.1', traceparent })
    return platform.transport({ ...call, context })
  }
}
