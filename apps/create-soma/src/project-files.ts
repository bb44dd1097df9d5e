import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'

export const PROJECT_KINDS = ['tool', 'worker', 'planner', 'choreography'] as const
export type ProjectKind = (typeof PROJECT_KINDS)[number]

const TEMPLATES = fileURLToPath(new URL('./templates/', import.meta.url))

/** How a word is written inside the quotes of a file of that kind. */
const QUOTED: Readonly<Record<string, (text: string) => string>> = {
  '.ts': (text) => text.replaceAll('\\', String.raw`\\`).replaceAll("'", String.raw`\'`),
  '.json': (text) => JSON.stringify(text).slice(1, -1),
}

/** Path → text of a project: the files that all kinds share, and its own. */
export function projectFiles(
  kind: ProjectKind,
  words: { readonly name: string; readonly description: string },
): Readonly<Record<string, string>> {
  return { ...filesOf('shared', { ...words, kind }), ...filesOf(kind, { ...words, kind }) }
}

/** Templates are named `agent.ts.txt`, so that nothing takes them for code; `_gitignore.txt` because npm drops the name itself. */
function filesOf(folder: string, words: Readonly<Record<string, string>>): Record<string, string> {
  const names = readdirSync(posix.join(TEMPLATES, folder)).filter((name) => name.endsWith('.txt'))
  const files = names.toSorted().map((name) => {
    const path = name.slice(0, -'.txt'.length).replace(/^_/, '.')
    const place = path.endsWith('.ts') ? `src/${path}` : path
    return [place, fill(readFileSync(posix.join(TEMPLATES, folder, name), 'utf8'), words, posix.extname(path))]
  })
  return Object.fromEntries(files) as Record<string, string>
}

function fill(template: string, words: Readonly<Record<string, string>>, kind: string): string {
  const quoted = QUOTED[kind] ?? ((text: string) => text)
  return template.replaceAll(/\{\{(name|description|kind)\}\}/g, (_, word: string) => quoted(words[word] as string))
}
