import { withoutUndefined } from '@soma/kernel'
import { UsageError } from '../failure.ts'
import type { Handling } from '../session.ts'
import { type StartFlags, start } from './start.ts'

type Flags = Omit<StartFlags, 'folder' | 'modules' | 'moduleUrls'>

/** The first run on the folder that was named. */
export async function startHere({ flags, args }: Handling<Flags>): Promise<void> {
  if (flags.model !== undefined && !URL.canParse(flags.model))
    throw new UsageError(`--model is "${flags.model}": give the base address of an OpenAI-compatible server`)
  const { mode, port, data, fresh, question, maxStatements, paceMs, model } = flags
  await start(withoutUndefined({ mode, port, data, fresh, question, maxStatements, paceMs, model, folder: args[0] }))
}
