import { basename } from 'node:path'

const NAMES = ['soma', 'soorma', 'somagent'] as const

/** The name that was typed, for help and errors; `soma` when the program was not started by one of its names. */
export function programName(path: string | undefined): string {
  const typed = basename(path ?? '').replace(/\.(?:cmd|ps1|exe)$/, '')
  return NAMES.find((name) => name === typed) ?? 'soma'
}
