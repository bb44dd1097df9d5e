import { readFileSync } from 'node:fs'
import type { Words } from './words.ts'

/** File of the new module → template beside this file. `noun` in a name stands for the noun in kebab-case. */
const TEMPLATES: Readonly<Record<string, string>> = {
  'README.md': 'readme.md.txt',
  'package.json': 'package.json.txt',
  'contract/index.ts': 'contract-index.ts.txt',
  'contract/noun.ts': 'contract-noun.ts.txt',
  'contract/events.ts': 'contract-events.ts.txt',
  'migrations/0001_noun.sql': 'migration.sql.txt',
  'src/module.ts': 'module.ts.txt',
  'src/service.ts': 'service.ts.txt',
  'src/store.ts': 'store.ts.txt',
  'src/service.test.ts': 'service.test.ts.txt',
  'testing/index.ts': 'testing-index.ts.txt',
}

/** The files of a new module by path inside its folder. `versions` are those that the kernel pins, so that a module cannot differ. */
export function moduleFiles(words: Words, versions: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(TEMPLATES).map(([path, template]) => [
      path.replace('noun', words.noun),
      fill(readFileSync(new URL(`./templates/${template}`, import.meta.url), 'utf8'), { ...words, ...versions }),
    ]),
  )
}

/** Replaces `«word»`. @throws Error for a word that has no value: a bug of the template. */
function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(/«(\w+)»/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`the template names «${name}», which has no value`)
    return value
  })
}
