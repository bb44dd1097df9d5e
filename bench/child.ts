import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface ChildRun {
  readonly ms: number
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a process to its end. @throws Error with its output when it fails */
export async function runChild(
  command: string,
  words: readonly string[],
  options: { cwd?: string; environment?: Record<string, string> } = {},
): Promise<ChildRun> {
  const startedAt = performance.now()
  const child = spawn(command, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.environment },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (output.stderr += text))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`${command} ${words.join(' ')} ended with ${code}: ${output.stderr.slice(-500)}`)
  return { ms: performance.now() - startedAt, code, ...output }
}

/** Resident memory of a process in MiB. Linux alone. */
export function residentMebibytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1]) / 1_024
}

/** CPU time of a process so far, user and system, all threads, in ms. Linux alone; the clock of /proc ticks 100 times a second. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}
