import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const LOADER = import.meta.resolve('tsx')

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  /** Default: this program. A link to it has the name that was typed. */
  readonly main?: string
  readonly directory?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly input?: string
}

/** Starts the command line as a child process without a terminal. */
export function startCli(
  words: readonly string[],
  options: CliOptions = {},
): ChildProcessByStdio<Writable, Readable, Readable> {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(SOMA|SOORMA|VITEST|NODE_OPTIONS|FORCE_COLOR)/.test(name),
  )
  return spawn(process.execPath, ['--conditions=@soma/source', '--import', LOADER, options.main ?? MAIN, ...words], {
    cwd: options.directory,
    env: { ...Object.fromEntries(inherited), ...options.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

/** Runs the command line to its end. */
export async function runCli(words: readonly string[], options: CliOptions = {}): Promise<Ran> {
  const child = startCli(words, options)
  child.stdin.end(options.input ?? '')
  const [stdout, stderr, [code]] = await Promise.all([textOf(child.stdout), textOf(child.stderr), once(child, 'close')])
  return { code: code as number | null, stdout, stderr }
}

async function textOf(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) text += String(chunk)
  return text
}

/** The text that a stream has given when it first holds `wanted`. Reading goes on. */
export function untilText(stream: Readable, wanted: string): Promise<string> {
  return new Promise((found, fail) => {
    let text = ''
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.includes(wanted)) found(text)
    })
    stream.once('end', () => fail(new Error(`the stream ended without "${wanted}":\n${text}`)))
  })
}
