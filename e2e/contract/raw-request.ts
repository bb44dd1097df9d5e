import { type Agent, request } from 'node:http'
import type { WireRequest } from './mutations.ts'

export interface RawAnswer {
  readonly status: number
  readonly contentType: string
  readonly text: string
}

/**
 * Sends a request as it is, without what `fetch` forbids or mends. Of a stream the head alone is read.
 * @throws Error when nothing has come within `timeoutMs`, or the connection ends without an answer
 */
export function sendRaw(
  url: string,
  { method, path, headers, body }: WireRequest,
  options: { agent: Agent; timeoutMs: number },
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      sent.destroy()
      reject(new Error(`no answer after ${options.timeoutMs} ms`))
    }, options.timeoutMs)
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const sent = request(
      { hostname, port, method, path, headers: { ...headers, ...length }, agent: options.agent },
      (response) => {
        const contentType = response.headers['content-type'] ?? ''
        const status = response.statusCode ?? 0
        const chunks: Buffer[] = []
        const finish = () => {
          clearTimeout(late)
          resolve({ status, contentType, text: Buffer.concat(chunks).toString() })
        }
        response.on('error', reject)
        if (contentType.startsWith('text/event-stream')) {
          finish()
          response.destroy()
          return
        }
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', finish)
      },
    )
    sent.on('error', (error) => {
      clearTimeout(late)
      reject(error)
    })
    sent.end(body)
  })
}
