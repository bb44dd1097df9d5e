import type { Command } from 'commander'
import type { GlobalFlags, Handler } from '../session.ts'

/** The action of a command whose code is loaded when it runs: help and completion never pay for it. */
export function lazily<Flags>(load: () => Promise<Handler<Flags>>): (...received: unknown[]) => Promise<void> {
  return async (...received) => {
    const command = received.at(-1) as Command
    const [handler, { openSession }] = await Promise.all([load(), import('../session.ts')])
    const flags = command.optsWithGlobals<Flags & GlobalFlags>()
    const args = command.processedArgs as (string | undefined)[]
    const code = await handler({ session: openSession(flags), flags, args, program: rootOf(command).name() })
    if (code !== undefined) process.exitCode = code
  }
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent)
}
