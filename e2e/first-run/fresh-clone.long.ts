import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** From the end of `git clone` to the open gate, as the page promises. */
const GATE_MS = 60_000

/** Runs a command in a fresh clone of what is committed until the gate is open; answers what was printed and how long it took. */
async function untilGate(command: string) {
  const place = mkdtempSync(join(tmpdir(), 'soma-fresh-'))
  const clone = join(place, 'soma')
  execFileSync('git', ['clone', '--quiet', ROOT, clone])
  // No account and no key: a home of its own, and of the environment only what finds programs and npm's cache.
  const home = join(place, 'home')
  mkdirSync(home)
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    npm_config_cache: execFileSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).trim(),
    npm_config_userconfig: join(homedir(), '.npmrc'),
  }
  const startedAtMs = Date.now()
  // A group of its own, so that everything that npm started can be ended.
  const child = spawn('bash', ['-c', command], { cwd: clone, env: env as NodeJS.ProcessEnv, detached: true })
  const closed = once(child, 'close')
  let text = ''
  const gate = new Promise<number>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part
      if (/^Approve /m.test(text)) resolve(Date.now() - startedAtMs)
    })
    child.stderr.setEncoding('utf8').on('data', (part: string) => void (text += part))
  })
  try {
    const gateAfterMs = await Promise.race([gate, closed.then(() => Promise.reject(new Error(text)))])
    return { gateAfterMs, text }
  } finally {
    if (child.exitCode === null) process.kill(-(child.pid as number), 'SIGKILL')
    await closed
    rmSync(place, { recursive: true, force: true })
  }
}

/** A network namespace with loopback alone. Not root: the namespace maps this user to root. */
const UNSHARE = process.getuid?.() === 0 ? 'unshare --net' : 'unshare --map-root-user --user --net'

function expectGate({ gateAfterMs, text }: { gateAfterMs: number; text: string }): void {
  process.stdout.write(`gate open ${gateAfterMs} ms after the clone\n`)
  expect(text).toMatch(/^Model +built-in: extracts, does not reason/m)
  expect(text).toMatch(/^Found +report\.md: 0 of \d+ statements are false/m)
  expect(gateAfterMs).toBeLessThanOrEqual(GATE_MS)
}

test('EXA-R1 npm ci && npm start in a fresh clone reaches the open gate in time', async () => {
  // Another server of this machine may hold the port that people get.
  expectGate(await untilGate('npm ci && exec npm start -- --port 0'))
})

test('EXA-R1 so it does in a network namespace without outside access', async () => {
  const inside = 'ip link set lo up && test -z "$(ip route)" && npm ci --offline && exec npm start'
  expectGate(await untilGate(`exec ${UNSHARE} bash -c '${inside}'`))
})
