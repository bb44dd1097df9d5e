import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { type AddressCheck, createAddressCheck, LOOPBACK_RANGES } from './addresses.ts'
import { createResolve, type Resolve } from './resolve.ts'

export interface OutgoingRequest {
  readonly method: 'POST' | 'OPTIONS'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** From the look-up of the name to the last byte of the answer that is read. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** What came back, or why nothing was sent. */
export type OutgoingAnswer =
  | { readonly status: number; readonly headers: Readonly<Record<string, string | readonly string[] | undefined>> }
  | { readonly refused: string }

export interface OutgoingOptions {
  /** Ranges (`10.1.0.0/16`) that may be called though they are not open to everybody. */
  readonly allowedRanges: readonly string[]
  /** Lets http and loopback be called: for development. */
  readonly allowsInsecure: boolean
  /** Default: the name servers of the host. */
  readonly resolve?: Resolve
  /** Certificate authority in PEM that stands in for the public ones. */
  readonly ca?: string
}

/** Requests to addresses that users chose. */
export interface Outgoing {
  /**
   * Sends, if the address may be called: https (credentials in the address are refused), no private, link-local, loopback, metadata or other special range, no address of this host. A
   * name is looked up once a connection and all its addresses are checked; the connection goes to a checked one. Redirects are answers. Of an answer only status and headers (16 KiB) are kept.
   * @throws Error when no answer came: connection, TLS, time, or an answer that is no HTTP
   */
  send(request: OutgoingRequest): Promise<OutgoingAnswer>
  /** Closes idle connections. */
  close(): void
}

const MAX_HEADER_BYTES = 16_384
/** So much of a body is read, unparsed and undecoded, so that the connection serves again; a longer one costs the connection. */
const MAX_BODY_BYTES = 65_536
/** An unused connection is kept so long: less than the 5 s after which many servers close theirs. */
const IDLE_MS = 4000

export function createOutgoing({ allowedRanges, allowsInsecure, resolve, ca }: OutgoingOptions): Outgoing {
  const check = createAddressCheck(allowsInsecure ? [...allowedRanges, ...LOOPBACK_RANGES] : allowedRanges)
  const kept = {
    keepAlive: true,
    timeout: IDLE_MS,
    lookup: checkedLookup(resolve ?? createResolve(), check),
  }
  const https = new HttpsAgent({ ...kept, rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) })
  const http = new HttpAgent(kept)
  const open = (url: URL, { method, headers }: OutgoingRequest, signal: AbortSignal): ClientRequest => {
    const options = { method, headers, signal, maxHeaderSize: MAX_HEADER_BYTES }
    return url.protocol === 'https:'
      ? httpsRequest(url, { ...options, agent: https })
      : httpRequest(url, { ...options, agent: http })
  }
  return {
    send: async (request) => {
      if (!URL.canParse(request.url)) return { refused: 'it is no URL' }
      const url = new URL(request.url)
      const refused = refusalOf(url, { check, allowsInsecure })
      if (refused !== undefined) return { refused }
      const limit = AbortSignal.timeout(request.timeoutMs)
      const signal = request.signal === undefined ? limit : AbortSignal.any([limit, request.signal])
      try {
        return await exchange(() => open(url, request, signal), request.body)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === REFUSED) return { refused: (error as Error).message }
        if (limit.aborted) throw new Error(`no answer within ${request.timeoutMs} ms`, { cause: error })
        throw error
      }
    },
    close: () => {
      https.destroy()
      http.destroy()
    },
  }
}

function refusalOf(url: URL, { check, allowsInsecure }: { check: AddressCheck; allowsInsecure: boolean }) {
  if (url.protocol !== 'https:' && !(allowsInsecure && url.protocol === 'http:'))
    return `${url.protocol}// is not https://`
  if (url.username !== '' || url.password !== '') return 'it carries credentials'
  // The URL parser has made dotted decimals of octal, hexadecimal and short spellings. An address is not looked up, so it is checked here.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return isIP(host) === 0 ? undefined : check(host)
}

const REFUSED = 'SOMA_ADDRESS_REFUSED'

/** Answers what it checked: what the name says a moment later changes nothing. */
function checkedLookup(resolve: Resolve, check: AddressCheck): LookupFunction {
  const find = async (name: string) => {
    const addresses = await resolve(name)
    const refused = addresses.map(({ address }) => check(address)).find((reason) => reason !== undefined)
    if (refused !== undefined) throw Object.assign(new Error(`${name} is refused: ${refused}`), { code: REFUSED })
    const [first] = addresses
    if (first === undefined) throw new Error(`${name} has no address`)
    return { addresses: [...addresses], first }
  }
  const answer = async (...[name, options, callback]: Parameters<LookupFunction>) => {
    const found = await find(name).catch((error: unknown) => ({ error: error as Error }))
    if ('error' in found) callback(found.error, '')
    else if (options.all === true) callback(null, found.addresses)
    else callback(null, found.first.address, found.first.family)
  }
  return (...call) => void answer(...call)
}

/** Sends; once more on a fresh connection when a kept one turns out to be closed. */
async function exchange(open: () => ClientRequest, body: Uint8Array | undefined): Promise<OutgoingAnswer> {
  const outgoing = open()
  try {
    return await answerTo(outgoing, body)
  } catch (error) {
    if (!outgoing.reusedSocket || (error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
    return answerTo(open(), body)
  }
}

function answerTo(outgoing: ClientRequest, body: Uint8Array | undefined): Promise<OutgoingAnswer> {
  return new Promise((resolve, reject) => {
    outgoing.on('error', reject)
    // Node lets go of a connection that was switched to another protocol, its time limit included.
    outgoing.on('upgrade', (_response, socket) => {
      socket.destroy()
      reject(new Error('the answer switches to another protocol'))
    })
    outgoing.on('response', (response) => {
      discard(response)
      resolve({ status: response.statusCode ?? 0, headers: response.headers })
    })
    outgoing.end(body)
  })
}

function discard(response: IncomingMessage): void {
  let left = MAX_BODY_BYTES
  response.on('data', (chunk: Uint8Array) => {
    left -= chunk.length
    if (left < 0) response.destroy()
  })
  // What is wrong with the rest of an answer changes nothing: its status is known.
  response.on('error', () => response.destroy())
}
