/** `npm run example 08` or its whole name: plays the README of an example on the server at SOMA_URL, else on one of its own, and exits 1 where it prints something else. With `-- --python` its agents are those in Python. */
import { parseArgs } from 'node:util'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { playableExamples, playReadme } from './play-readme.ts'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { python: { type: 'boolean' } } })
const [named = ''] = positionals
const example = playableExamples().find((name) => name === named || name.startsWith(`${named}-`))

const aServer = (): Promise<RunningServer> =>
  startServer({
    platform: somaPlatform,
    sources: {
      flags: {
        mode: 'developer-light',
        'server.port': 0,
        'server.logLevel': 'silent',
        'server.dataDirectory': 'memory',
      },
    },
  })

/** Exit code of what was played. */
async function play(name: string, signal: AbortSignal): Promise<number> {
  const server = process.env.SOMA_URL === undefined ? await aServer() : undefined
  try {
    const url = server?.url ?? (process.env.SOMA_URL as string)
    const played = await playReadme(name, {
      url,
      show: (text) => console.log(text),
      signal,
      ...(values.python === true && { language: 'python' }),
    })
    const wrong = played.filter((step) => step.printed !== step.expected)
    for (const { command, printed, expected } of wrong)
      console.error(`\n${command}\nprinted:\n${printed}\nthe README says:\n${expected}`)
    return wrong.length === 0 ? 0 : 1
  } catch (error) {
    if (signal.aborted) return 130
    throw error
  } finally {
    await server?.stop()
  }
}

if (example === undefined) {
  console.error(`no example "${named}" can be played: there are ${playableExamples().join(', ')}`)
  process.exitCode = 2
} else {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort())
  process.exitCode = await play(example, interrupted.signal)
}
