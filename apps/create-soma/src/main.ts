/** `npm create soma [name] -- --type <kind> --description <text>`. */
import { parseArgs } from 'node:util'
import { type Created, createProject, PROJECT_KINDS, type ProjectKind } from './create-project.ts'

const USAGE = `npm create soma <name> -- [--type ${PROJECT_KINDS.join('|')}] [--description <text>]; \`.\` is this folder`

function create(words: readonly string[]): Created {
  const options = { type: { type: 'string', default: 'worker' }, description: { type: 'string' } } as const
  const { positionals, values } = parseArgs({ args: [...words], allowPositionals: true, options })
  const [folder, ...others] = positionals
  if (folder === undefined || others.length > 0) return { refused: [`name one folder: ${USAGE}`] }
  if (!(PROJECT_KINDS as readonly string[]).includes(values.type)) return { refused: [`no such type: ${USAGE}`] }
  return createProject({ kind: values.type as ProjectKind, folder, description: values.description })
}

function tell(created: Created): void {
  if ('refused' in created) {
    console.error(created.refused.join('\n'))
    process.exitCode = 2
  } else console.log(`${created.folder} has ${created.files.join(', ')}\nNext: npm install && npm test`)
}

try {
  tell(create(process.argv.slice(2)))
} catch (error) {
  if (!String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS')) throw error
  tell({ refused: [`${(error as Error).message}\n${USAGE}`] })
}
