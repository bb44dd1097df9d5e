import { inspect } from 'node:util'
import { isProblem, type LogFields, type Logger } from '@soma/kernel'

/** What `run()` tells whoever started the process: a line of text on stderr for `info` and above, the fields behind the message. */
export function createStderrLog(bound: LogFields = {}): Logger {
  const say =
    (level: string) =>
    (message: string, fields: LogFields = {}): void => {
      const { error, ...others } = { ...bound, ...fields }
      const words = Object.entries(others)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => `${name}=${inspect(value, { breakLength: Number.POSITIVE_INFINITY })}`)
      const reason = error === undefined ? [] : [reasonOf(error)]
      process.stderr.write(`${new Date().toISOString()} ${[level, message, ...words, ...reason].join(' ')}\n`)
    }
  return {
    debug() {},
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    child: (fields) => createStderrLog({ ...bound, ...fields }),
  }
}

/** Problems say all they know; any other error is one of the code, which its stack finds. */
const reasonOf = (error: unknown): string =>
  isProblem(error) ? `${error.code}: ${error.message}` : ((error as Error | null)?.stack ?? inspect(error))
