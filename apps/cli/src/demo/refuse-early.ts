import { readdirSync } from 'node:fs'
import { checkNode } from '../doctor/node-version.ts'
import { UsageError } from '../failure.ts'

/** What can be seen before anything is opened is refused then, in one line: a Node that is too old, a folder that cannot be read. */
export function refuseEarly({ folder }: { readonly folder?: string }): void {
  const node = checkNode(process.versions.node)
  if (node.state === 'fail') throw new UsageError(`Node ${node.found} is too old: ${node.remedy}`)
  if (folder !== undefined) refuseUnreadable(folder)
}

function refuseUnreadable(folder: string): void {
  try {
    readdirSync(folder)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    throw new UsageError(`the folder "${folder}" cannot be read (${code}): name a directory that you may read`, {
      cause: error,
    })
  }
}
