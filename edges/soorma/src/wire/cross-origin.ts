import type { FrontAnswer } from '@soma/kernel'

const METHODS = 'DELETE, GET, POST, PUT'
const MAX_AGE_S = '600'

/** Which web pages may call: those of this machine, and those that the operator names. Without an origin it is no web page. */
export function createCrossOrigin(allowedOrigins: readonly string[]) {
  const allowed = new Set(allowedOrigins.map((origin) => new URL(origin).origin))
  const isAllowed = (origin: string) => allowed.has(origin) || isLocal(origin)
  return {
    /** The answer to a preflight: it carries no credential, so it is given before any is asked for (SOO-R20). */
    preflight: (headers: Readonly<Record<string, string | undefined>>): FrontAnswer => {
      const { origin = '' } = headers
      if (!isAllowed(origin)) return text(400, 'Disallowed CORS origin')
      return text(200, 'OK', {
        ...grant(origin),
        'access-control-allow-methods': METHODS,
        'access-control-allow-headers': headers['access-control-request-headers'] ?? '',
        'access-control-max-age': MAX_AGE_S,
      })
    },
    headersFor: (origin: string | undefined): Record<string, string> =>
      origin !== undefined && isAllowed(origin) ? grant(origin) : {},
  }
}

const grant = (origin: string) => ({ 'access-control-allow-origin': origin, vary: 'Origin' })
const text = (status: number, body: string, headers: Record<string, string> = {}): FrontAnswer => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
  body,
})

function isLocal(origin: string): boolean {
  const hostname = URL.canParse(origin) ? new URL(origin).hostname : ''
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
}
