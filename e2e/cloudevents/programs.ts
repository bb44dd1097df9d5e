import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

/**
 * Clients that talk to a server through the official CloudEvents SDK of their language. stdin: an array of events as CloudEvents JSON. Each is published three
 * times, structured, binary and in a batch, with the mode at the end of its id. stdout: a line of CloudEvents JSON for each, as the SDK read it back.
 */
export type Program = readonly [command: string, ...words: string[]]

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const TSX = ['--conditions=@soma/source', '--import', 'tsx'] as const

/** Installs what is missing, over the network. */
export async function installPrograms(): Promise<Readonly<Record<string, Program>>> {
  const paths = await run(['bash', at('../../tools/servers/install-cloudevents.sh')])
  const [python, go] = paths.trim().split(' ') as [string, string]
  return {
    JavaScript: [process.execPath, ...TSX, at('client.ts')],
    Python: [python, at('client.py')],
    Go: [go],
  }
}

export type WireEvent = Readonly<Record<string, unknown>>

/** The events as the program's SDK read them back, by id. */
export async function roundTrip(
  program: Program,
  url: string,
  events: readonly WireEvent[],
): Promise<Map<string, WireEvent>> {
  const lines = (await run([...program, url], JSON.stringify(events))).trim().split('\n')
  const read = lines.map((line) => JSON.parse(line) as WireEvent)
  return new Map(read.map((event) => [String(event.id), event]))
}

async function run([command, ...words]: Program, input = ''): Promise<string> {
  const child = spawn(command, words, { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(input)
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  if (code !== 0) throw new Error(`${command} ended with ${String(code)}: ${errors}`)
  return output
}
