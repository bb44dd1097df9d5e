import { basename, resolve } from 'node:path'
import { PROJECT_KINDS, type ProjectKind, projectFiles } from './project-files.ts'
import { faultsOfName } from './project-name.ts'
import { writeProject } from './write-project.ts'

export { PROJECT_KINDS, type ProjectKind }

export interface ProjectOptions {
  readonly kind: ProjectKind
  /** Missing, or empty. */
  readonly folder: string
  /** Of the package and the agent. Default: the folder's own. */
  readonly name?: string | undefined
  /** What the agent does: one line of at most 200 characters. Default: what the kind does as it is written. */
  readonly description?: string | undefined
}

/** What was written, or every reason why nothing was, each with what to do. */
export type Created =
  | { readonly folder: string; readonly name: string; readonly files: readonly string[] }
  | { readonly refused: readonly string[] }

const DESCRIPTIONS: Readonly<Record<ProjectKind, string>> = {
  tool: 'Counts the words of a text.',
  worker: 'Counts the words of several texts.',
  planner: 'Writes a text about a topic and has it shortened.',
  choreography: 'Finds whoever can translate a text.',
}
const MAXIMUM_DESCRIPTION = 200

/** Writes a project, all of it or nothing. It never overwrites. */
export function createProject({ kind, folder: place, name: given, description }: ProjectOptions): Created {
  const folder = resolve(place)
  const name = given ?? basename(folder)
  const refused = [...faultsOfName(name), ...faultsOfDescription(description)]
  if (refused.length > 0) return { refused }
  const files = projectFiles(kind, { name, description: description ?? DESCRIPTIONS[kind] })
  const fault = writeProject(folder, files)
  return fault === undefined ? { folder, name, files: Object.keys(files) } : { refused: [fault] }
}

function faultsOfDescription(description = ''): string[] {
  if (!/\p{Cc}/u.test(description) && description.length <= MAXIMUM_DESCRIPTION) return []
  return [`the description must be one line of at most ${MAXIMUM_DESCRIPTION} characters`]
}
