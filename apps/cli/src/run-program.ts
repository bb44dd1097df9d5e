import { CommanderError } from 'commander'
import { describeFailure, EXIT, exitCodeOf } from './failure.ts'
import { createProgram } from './program.ts'
import { programName } from './program-name.ts'

/** Runs one command line and leaves its exit code in `process.exitCode`. Nothing is thrown. */
export async function runProgram(argv: readonly string[]): Promise<void> {
  endOnClosedPipe(process.stdout)
  endOnClosedPipe(process.stderr)
  const program = createProgram(programName(argv[1]))
  try {
    await program.parseAsync(argv)
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage
      return
    }
    const text = describeFailure(error, wantsJson(argv))
    if (text !== '') process.stderr.write(`${text}\n`)
    process.exitCode = exitCodeOf(error)
  }
}

/** `soma plans list | head -1`: the reader has what it wanted, so this is success. */
function endOnClosedPipe(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.done)
    throw error
  })
}

/** Read from the words themselves: the failure may be one of reading flags. */
function wantsJson(argv: readonly string[]): boolean {
  return argv.includes('--json') || argv.includes('--output=json') || argv[argv.indexOf('--output') + 1] === 'json'
}
