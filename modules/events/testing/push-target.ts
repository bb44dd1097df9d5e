import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { queue } from '@soma/runtime/testing'

export interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Answers the post, once. */
  answer(status: number, headers?: Readonly<Record<string, string>>): void
}

/** What pushes of a subscription go to. */
export interface PushTarget {
  readonly url: string
  /** Posts until now. */
  readonly received: readonly Received[]
  /** Handshakes until now. */
  readonly handshakes: number
  /** The next post that was not asked for yet. */
  next(): Promise<Received>
  /** How posts are answered from now on. Undefined: by `answer` of each. */
  answers: number | undefined
  /** What it answers to the handshake. */
  allowedOrigin: string | undefined
  close(): Promise<void>
}

export async function aPushTarget(options: { answers?: number; allowedOrigin?: string } = {}): Promise<PushTarget> {
  const posts = queue<Received>()
  const received: Received[] = []
  let handshakes = 0
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (request.method === 'OPTIONS') {
        handshakes++
        return handshake(response, target.allowedOrigin)
      }
      const answer: Received['answer'] = (status, headers = {}) => void response.writeHead(status, headers).end()
      const post = { headers: request.headers, body: Buffer.concat(chunks), answer }
      received.push(post)
      posts.push(post)
      if (target.answers !== undefined) answer(target.answers)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const target: PushTarget = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    received,
    get handshakes() {
      return handshakes
    },
    next: () => posts.next(),
    answers: options.answers,
    allowedOrigin: options.allowedOrigin ?? '*',
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return target
}

const handshake = (response: ServerResponse, allowed: string | undefined): void =>
  void response.writeHead(200, allowed === undefined ? {} : { 'webhook-allowed-origin': allowed }).end()
