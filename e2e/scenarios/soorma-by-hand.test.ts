import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { silentLogger } from '@soma/kernel'
import { somaPlatform, startServer } from '@soma/server'
import { expect, test } from 'vitest'

const GUIDE = new URL('../../docs/guides/soorma-by-hand.md', import.meta.url)
const blocksOf = (page: string, language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'gm'))].map(([, block]) => block as string)

/** Those that are found one after another. */
function inOrder(wanted: readonly string[], lines: readonly string[]): string[] {
  let next = 0
  return wanted.filter((line) => {
    const index = lines.indexOf(line, next)
    if (index >= 0) next = index + 1
    return index >= 0
  })
}

test('the commands of the guide make a tenant, agents, a request and its reply, and a plan that asks and answers, and print what it says', async () => {
  const page = await readFile(GUIDE, 'utf8')
  const script = blocksOf(page, 'sh').join('\n')
  const printed = blocksOf(page, 'text').join('').trimEnd().split('\n')
  const folder = await mkdtemp(join(tmpdir(), 'soorma-by-hand-'))
  const server = await startServer({
    platform: somaPlatform,
    log: silentLogger,
    sources: { flags: { mode: 'test', 'server.port': 0, 'server.dataDirectory': 'memory', 'server.graceMs': 3000 } },
  })
  try {
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: folder,
      env: { PATH: process.env.PATH, BASE: `${server.url}/soorma` },
      timeout: 90_000,
    })
    expect(inOrder(printed, stdout.split('\n'))).toEqual(printed)
  } finally {
    await server.stop()
    await rm(folder, { recursive: true })
  }
}, 120_000)
