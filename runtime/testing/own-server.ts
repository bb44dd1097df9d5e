import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { queue } from './queue.ts'

const script = fileURLToPath(new URL('../../tools/servers/own-server.sh', import.meta.url))

/** A real server of a test file's own, which may stop and start it; its data outlives a stop. */
export interface OwnServer {
  /** Its address, the same after every start. */
  readonly url: string
  stop(): Promise<void>
  /** As a crash, by kill -9: nothing more is written. */
  kill(): Promise<void>
  /** `under`: words before the command, such as those of strace. */
  start(under?: readonly string[]): Promise<void>
  /** For good. */
  end(): Promise<void>
}

/** @throws Error when the server does not come up; its log is on stderr */
export async function ownServer(
  name: 'postgres' | 'nats' | 'kafka',
  environment: Record<string, string> = {},
): Promise<OwnServer> {
  const variables = Object.entries(environment).map(([variable, value]) => `${variable}=${value}`)
  const server = spawn('env', [...variables, 'bash', script, name], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = queue<string>()
  createInterface({ input: server.stdout }).on('line', (line) => lines.push(line))
  const obey = async (command: string, answer: string) => {
    server.stdin.write(`${command}\n`)
    const line = await answerOf(server, lines.next())
    if (line !== answer) throw new Error(`the ${name} server answered "${line}" to ${command}`)
  }
  return {
    url: await answerOf(server, lines.next()),
    stop: () => obey('stop', 'stopped'),
    kill: () => obey('kill', 'killed'),
    start: (under) =>
      under === undefined ? obey('start', 'started') : obey(`start-under ${under.join(' ')}`, 'started-under'),
    end: async () => {
      server.stdin.end()
      if (server.exitCode === null) await once(server, 'exit')
    },
  }
}

const answerOf = (server: ChildProcess, line: Promise<string>): Promise<string> =>
  Promise.race([
    line,
    once(server, 'exit').then(([code]) => {
      throw new Error(`the server ended with ${String(code)}`)
    }),
  ])
