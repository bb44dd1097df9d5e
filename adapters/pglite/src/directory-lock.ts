import { randomUUID } from 'node:crypto'
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { makeDirectory } from './durable-directory.ts'
import { pgliteProblems } from './problems.ts'

interface Holder {
  readonly pid: number
  /** Which boot of the machine the pid belongs to; '' where the system does not say. */
  readonly bootId: string
  /** When the process started, in the system's ticks; tells a process from a later one with the same pid. */
  readonly startTicks: string
  readonly openedAt: string
  /** Tells two openers of one process apart. */
  readonly token: string
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}

const bootId = (): string => readOrEmpty('/proc/sys/kernel/random/boot_id')

/** Field 22 of `/proc/<pid>/stat`; the name in field 2 may hold spaces, so counting starts after its bracket. */
function startTicks(pid: number): string {
  const stat = readOrEmpty(`/proc/${pid}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const isAlive = ({ pid, bootId: boot, startTicks: ticks }: Holder): boolean =>
  boot === bootId() && exists(pid) && ticks === startTicks(pid)

function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder
  } catch {
    return undefined
  }
}

/** A link appears with its content at once, so nobody ever reads a half-written lock. False: somebody holds it. */
function claim(path: string, holder: Holder): boolean {
  const own = `${path}.${holder.pid}.${randomUUID()}`
  writeFileSync(own, JSON.stringify(holder), { mode: 0o600 })
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(own, { force: true })
  }
}

/** Moves a dead process's lock away. Whoever finds that it moved another's fresh lock puts that back. */
function removeStale(path: string, dead: Holder | undefined): void {
  const aside = `${path}.stale.${randomUUID()}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if (!isDeepStrictEqual(readHolder(aside), dead)) linkSync(aside, path)
  rmSync(aside, { force: true })
}

function refuse(path: string, holder: Holder): never {
  throw pgliteProblems.directoryInUse.create(
    `${path.slice(0, -'.lock'.length)} is open in process ${holder.pid} since ${holder.openedAt}`,
    { pid: holder.pid, openedAt: holder.openedAt },
  )
}

const STEAL_SETTLES_MS = 50

/**
 * Takes `<directory>.lock`, which keeps a second process from the directory: two openers destroy it. Held by a process, not by time:
 * stolen only when its process is gone. Processes of other machines or containers on one shared disk cannot be told apart from dead ones.
 * Raises `database-in-use` with pid and time of the holder. Answers the function that gives the lock back.
 */
export async function lockDirectory(directory: string): Promise<() => void> {
  const path = `${resolve(directory)}.lock`
  makeDirectory(dirname(path))
  const own: Holder = {
    pid: process.pid,
    bootId: bootId(),
    startTicks: startTicks(process.pid),
    openedAt: new Date().toISOString(),
    token: randomUUID(),
  }
  if (!claim(path, own)) {
    const holder = readHolder(path)
    if (holder !== undefined && isAlive(holder)) refuse(path, holder)
    removeStale(path, holder)
    if (claim(path, own)) await setTimeout(STEAL_SETTLES_MS)
    const winner = readHolder(path)
    if (winner === undefined || !isDeepStrictEqual(winner, own)) refuse(path, winner ?? own)
  }
  return () => rmSync(path, { force: true })
}
