import type { LogFields, Logger } from '@soma/kernel'
import { type Level, pino } from 'pino'

/** Fields whose values never reach a log line, at any depth that our records have. */
const SECRETS = ['authorization', 'apiKey', 'secret', 'token', 'password', 'privateJwk', 'cookie']

/** JSON lines on stderr through pino: level, time, fields bound by the runtime, message. */
export function createLogger(options: {
  level: Level | 'silent'
  fields?: LogFields
  destination?: { write(line: string): void }
}): Logger {
  const paths = SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`])
  const root = pino(
    {
      level: options.level,
      base: { ...options.fields },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError },
      redact: { paths, censor: '[secret]' },
    },
    options.destination ?? pino.destination({ fd: 2, sync: true }),
  )
  return wrap(root)
}

function wrap(target: Pick<import('pino').Logger, 'debug' | 'info' | 'warn' | 'error' | 'child'>): Logger {
  return {
    debug: (message, fields = {}) => target.debug(fields, message),
    info: (message, fields = {}) => target.info(fields, message),
    warn: (message, fields = {}) => target.warn(fields, message),
    error: (message, fields = {}) => target.error(fields, message),
    child: (fields) => wrap(target.child(fields)),
  }
}

/** An error with its causes; database errors keep their SQLSTATE. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const code = 'code' in error ? { code: error.code } : {}
  return {
    name: error.name,
    message: error.message,
    ...code,
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  }
}
