#!/usr/bin/env node
import { VERSION } from './version.ts'

const words = process.argv.slice(2)

/** Answered before anything is loaded: scripts ask for the version often, and it should cost no more than starting Node. */
if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) process.stdout.write(`${VERSION}\n`)
else {
  const { runProgram } = await import('./run-program.ts')
  await runProgram(process.argv)
}
