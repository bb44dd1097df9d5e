export type LogFields = Readonly<Record<string, unknown>>

/** A log line is an event with fields. Never payloads, prompts or secrets. `error` = a person must look; `warn` = degraded and handled. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  child(fields: LogFields): Logger
}

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
}
