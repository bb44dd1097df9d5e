import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
}

export interface RecordingProxy {
  readonly url: string
  readonly seen: readonly Seen[]
  /** Cuts the connection instead of giving the answer of the next POST, after the server has done its work. */
  cutNextPost(): void
  close(): Promise<void>
}

/** Passes requests on to a real server and remembers what it saw. */
export async function createRecordingProxy(target: string): Promise<RecordingProxy> {
  const seen: Seen[] = []
  let cuts = 0
  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming
    seen.push({ method, path: url, headers })
    const isCut = method === 'POST' && cuts > 0
    if (isCut) cuts -= 1
    pass({ incoming, outgoing, target, isCut })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    cutNextPost: () => {
      cuts += 1
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function pass(options: { incoming: IncomingMessage; outgoing: ServerResponse; target: string; isCut: boolean }): void {
  const { incoming, outgoing, target, isCut } = options
  const { method, headers } = incoming
  const onward = request(new URL(incoming.url ?? '/', target), { method, headers }, (answer) => {
    if (isCut) {
      answer.resume()
      answer.once('end', () => incoming.socket.destroy())
      return
    }
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(outgoing)
  })
  onward.on('error', () => incoming.socket.destroy())
  outgoing.on('close', () => onward.destroy())
  incoming.pipe(onward)
}
