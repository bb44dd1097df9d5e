import { createServer } from 'node:net'
import { runningServer } from '../connection.ts'
import type { Finding } from './finding.ts'

/** Whether a server could listen on a port, or one of this folder already does. */
export async function checkPort(port: number, directory: string): Promise<Finding> {
  const ours = await runningServer(directory)
  if (ours !== undefined && new URL(ours.url).port === String(port))
    return { check: 'port', state: 'ok', found: `${port} is taken by the server of this folder (process ${ours.pid})` }
  const code = await tryToListen(port)
  if (code === undefined) return { check: 'port', state: 'ok', found: `${port} is free` }
  const found = code === 'EADDRINUSE' ? `${port} is taken by another program` : `${port} cannot be taken (${code})`
  return { check: 'port', state: 'fail', found, remedy: 'end that program, or choose another port with --port' }
}

function tryToListen(port: number): Promise<string | undefined> {
  return new Promise((answer) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => answer(error.code ?? error.message))
    server.listen(port, '127.0.0.1', () => server.close(() => answer(undefined)))
  })
}
