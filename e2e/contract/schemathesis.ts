/**
 * Part of `npm run test:malformed`: schemathesis makes requests from the OpenAPI document, valid and invalid ones, against a server in developer-light,
 * and checks status codes, content types and response schemas against the same document. Arguments are handed on: `--seed 5 --max-examples 100`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { silentLogger } from '@soma/kernel'
import { somaPlatform, startServer } from '@soma/server'

/** Where the installer has put it. */
const [program, ...further] = process.argv.slice(2)
if (program === undefined) throw new Error('name the program: schemathesis.ts <path of schemathesis> [arguments]')

const server = await startServer({
  platform: somaPlatform,
  log: silentLogger,
  sources: { flags: { mode: 'developer-light', 'server.port': 0, 'server.dataDirectory': 'memory' } },
})
const checks = 'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance'
const child = spawn(
  program,
  [
    'run',
    `${server.url}/openapi.json`,
    ...[
      '--checks',
      checks,
      '--mode',
      'all',
      '--phases',
      'examples,coverage,fuzzing',
      '--max-examples',
      '40',
      '--seed',
      '1',
    ],
    ...['--request-timeout', '5', '--warnings', 'off', '--continue-on-failure', '--no-color'],
    // They wait by design: streams for ever, these two as long as the request says.
    ...['--exclude-path-regex', '/stream$', '--exclude-operation-id', 'events.events.request'],
    ...['--exclude-operation-id', 'events.deliveries.pull'],
    ...further,
  ],
  // It leaves a cache of its own in the folder it runs in.
  { stdio: 'inherit', cwd: tmpdir() },
)
const [code] = (await once(child, 'exit')) as [number | null]
await server.stop()
process.exitCode = code ?? 1
