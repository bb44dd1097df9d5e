import { type Connected, connectTo } from './connection.ts'
import { Interrupted, UsageError } from './failure.ts'
import { createPrinter, type Printer, type PrinterFlags } from './output/printer.ts'

/** Flags that every command has. */
export interface GlobalFlags extends PrinterFlags {
  readonly url?: string
  readonly retries?: number
  readonly idempotencyKey?: string
  readonly yes?: boolean
}

/** What a command works with. */
export interface Session {
  readonly printer: Printer
  connect(): Promise<Connected>
  /** Whether questions can be asked. */
  readonly isInteractive: boolean
  /** Asks for a yes; `--yes` answers it. Without a terminal it is a UsageError naming `--yes`. */
  confirm(question: string): Promise<boolean>
  /** Asks for a line of text. Without a terminal it is a UsageError naming the flag. */
  ask(question: string, flag: string): Promise<string>
}

export interface Handling<Flags> {
  readonly session: Session
  readonly flags: Flags & GlobalFlags
  readonly args: readonly (string | undefined)[]
  /** The name that was typed: `soma`, `soorma` or `somagent`. */
  readonly program: string
}

/** Does a command; answers its exit code where that is not 0. */
export type Handler<Flags> = (handling: Handling<Flags>) => Promise<number | void>

/** The session of one command on the streams of this process. */
export function openSession(flags: GlobalFlags): Session {
  const printer = createPrinter(flags, { stdout: process.stdout, stderr: process.stderr, environment: process.env })
  const isInteractive = process.stdin.isTTY === true && process.stderr.isTTY === true
  return {
    printer,
    isInteractive,
    connect: () =>
      connectTo({
        url: flags.url,
        retries: flags.retries,
        idempotencyKey: flags.idempotencyKey,
        note: printer.note,
      }),
    confirm: async (question) => {
      if (flags.yes === true) return true
      if (!isInteractive) throw new UsageError(`${question} Say it with --yes, because nobody can be asked here.`)
      const { confirm } = await import('@clack/prompts')
      return answered(await confirm({ message: question, initialValue: false, output: process.stderr }))
    },
    ask: async (question, flag) => {
      if (!isInteractive) throw new UsageError(`${flag} is missing: ${question}`)
      const { text } = await import('@clack/prompts')
      const validate = (value: string | undefined) => ((value ?? '').trim() === '' ? 'Say a few words.' : undefined)
      return answered(await text({ message: question, validate, output: process.stderr }))
    },
  }
}

function answered<Answer>(answer: Answer): Exclude<Answer, symbol> {
  if (typeof answer === 'symbol') throw new Interrupted('nothing was done')
  return answer as Exclude<Answer, symbol>
}
