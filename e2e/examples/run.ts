/** `npm run example 08`: plays the README of an example on the server at SOMA_URL, else on one of its own, and exits 1 where it prints something else. */
import { readdirSync } from 'node:fs'
import { somaPlatform, startServer } from '@soma/server'
import { playReadme } from './play-readme.ts'

const [number = ''] = process.argv.slice(2)
const names = readdirSync(new URL('../../examples/', import.meta.url))
const example = names.find((name) => name.startsWith(`${number}-`))
if (example === undefined) throw new Error(`no example ${number}: there are ${names.join(', ')}`)

const server =
  process.env.SOMA_URL === undefined
    ? await startServer({
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
    : undefined
const url = server?.url ?? (process.env.SOMA_URL as string)
const played = await playReadme(example, url, (text) => console.log(text))
for (const { command, printed, expected } of played.filter((step) => step.printed !== step.expected)) {
  console.error(`\n${command}\nprinted:\n${printed}\nthe README says:\n${expected}`)
  process.exitCode = 1
}
await server?.stop()
