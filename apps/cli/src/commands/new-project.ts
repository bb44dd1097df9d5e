import { createProject, type ProjectKind, type ProjectOptions } from 'create-soma'
import { relative } from 'node:path'
import { UsageError } from '../failure.ts'
import type { View } from '../output/view.ts'
import type { Handling, Session } from '../session.ts'

interface Written {
  readonly folder: string
  readonly name: string
  readonly files: readonly string[]
}

interface ProjectFlags {
  readonly description?: string
  readonly folder?: string
}

const filesView: View<Written, string> = {
  rows: ({ files }) => files,
  columns: [{ title: 'file', of: (path) => path, kind: 'id' }],
  ids: ({ files }) => files,
}

export function initProject({ session, flags, args }: Handling<ProjectFlags & { type: ProjectKind }>): Promise<void> {
  const [name] = args
  const { type: kind, folder = name ?? '.', description } = flags
  return write(session, { kind, folder, name, description })
}

export function newProject({ session, flags, args }: Handling<ProjectFlags>): Promise<void> {
  const [kind, name] = args as [ProjectKind, string]
  return write(session, { kind, folder: flags.folder ?? name, name, description: flags.description })
}

/** @throws UsageError with every reason why it was not written */
async function write({ printer }: Session, options: ProjectOptions): Promise<void> {
  const created = createProject(options)
  if ('refused' in created) throw new UsageError(created.refused.join('\n'))
  await printer.result(created, filesView)
  const place = relative(process.cwd(), created.folder)
  printer.note(`next: ${place === '' ? '' : `cd ${place} && `}npm install && npm test`)
}
