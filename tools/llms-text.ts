/** `llms.txt` (llmstxt.org): what a language model should read of this repository, gathered from the pages themselves. `npm run docs` writes it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { listFiles } from './source-files.ts'

const START = ['AGENTS.md', 'README.md', 'ARCHITECTURE.md', 'GLOSSARY.md', 'CONTRIBUTING.md']
const WRITING_AGENTS = [
  'sdk/typescript/README.md',
  'sdk/python/README.md',
  'apps/create-soma/README.md',
  'apps/cli/README.md',
]

/** The text for the tree at `root`. @throws Error for a page without a heading or a first paragraph */
export function llmsText(root: string): string {
  const pagesOf = (folder: string, pattern: RegExp) =>
    listFiles(root, folder)
      .filter((path) => pattern.test(path))
      .toSorted()
  const sections: Readonly<Record<string, readonly string[]>> = {
    'Start here': START,
    'Writing agents': WRITING_AGENTS,
    Examples: pagesOf('examples', /^examples\/[^/]+\/README\.md$/),
    Guides: pagesOf('docs/guides', /\.md$/),
    Reference: pagesOf('docs/reference', /\.md$/),
    Promises: pagesOf('docs/spec', /\.md$/),
  }
  const { title, summary } = introductionOf(root, 'README.md')
  const parts = Object.entries(sections).map(
    ([name, paths]) => `## ${name}\n\n${paths.map((path) => entryOf(root, path)).join('\n')}`,
  )
  return `${[`# ${title}`, `> ${summary}`, ...parts].join('\n\n')}\n`
}

function entryOf(root: string, path: string): string {
  const { title, summary } = introductionOf(root, path)
  return `- [${title}](${path}): ${summary}`
}

/** The heading of a page and the first sentence below it. */
function introductionOf(root: string, path: string): { title: string; summary: string } {
  const text = readFileSync(join(root, path), 'utf8')
  const [, title, rest] = /^# (.+)\n+([\s\S]*)/.exec(text) ?? []
  const paragraph = rest?.split(/\n\s*\n/).find((part) => /^(?!```)[\w*`[]/.test(part))
  if (title === undefined || paragraph === undefined)
    throw new Error(`${path} has no heading with a paragraph below it`)
  const words = paragraph
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/^\*\*(Promise|Question)\.\*\* /, '')
    .replaceAll('**', '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return { title, summary: /^.*?[.?!](?= [A-Z`]|$)/.exec(words)?.[0] ?? words }
}
