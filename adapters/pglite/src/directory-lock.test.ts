import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { lockDirectory } from './directory-lock.ts'

const folder = mkdtempSync(join(tmpdir(), 'soma-lock-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A lock as this process would write it, changed; the file's shape is read from a real one. */
async function plantLock(name: string, change: object): Promise<string> {
  const directory = join(folder, name)
  const unlock = await lockDirectory(directory)
  const holder = JSON.parse(readFileSync(`${directory}.lock`, 'utf8')) as object
  unlock()
  writeFileSync(`${directory}.lock`, JSON.stringify({ ...holder, ...change }))
  return directory
}

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  return child.pid as number
}

it('refuses a second opener and names the process and the time of the first', async () => {
  const directory = join(folder, 'twice')
  const unlock = await lockDirectory(directory)
  await expect(lockDirectory(directory)).rejects.toMatchObject({
    code: 'database-in-use',
    message: expect.stringMatching(new RegExp(`twice is open in process ${process.pid} since \\d{4}-`)),
  })
  unlock()
  const again = await lockDirectory(directory)
  again()
  expect(existsSync(`${directory}.lock`)).toBe(false)
})

it('is stolen from a process that is gone', async () => {
  const directory = await plantLock('dead', { pid: await deadPid() })
  await expect(lockDirectory(directory)).resolves.toBeTypeOf('function')
})

it('is stolen from an earlier process whose pid another one has now', async () => {
  const directory = await plantLock('reused', { startTicks: '1' })
  await expect(lockDirectory(directory)).resolves.toBeTypeOf('function')
})

it('is stolen after a restart of the machine', async () => {
  const directory = await plantLock('rebooted', { bootId: 'another boot' })
  await expect(lockDirectory(directory)).resolves.toBeTypeOf('function')
})

it('is stolen when a power cut left it empty', async () => {
  const directory = join(folder, 'empty')
  writeFileSync(`${directory}.lock`, '')
  await expect(lockDirectory(directory)).resolves.toBeTypeOf('function')
})

it('has one winner when several steal at once, and leaves no litter', async () => {
  const directory = await plantLock('race', { pid: await deadPid() })
  const results = await Promise.allSettled(Array.from({ length: 5 }, () => lockDirectory(directory)))
  const winners = results.filter((result) => result.status === 'fulfilled')
  expect(winners).toHaveLength(1)
  expect(readdirSync(folder).filter((file) => file.startsWith('race'))).toEqual(['race.lock'])
  for (const { value: unlock } of winners) unlock()
})
