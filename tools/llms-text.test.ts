import { afterEach, expect, it } from 'vitest'
import { llmsText } from './llms-text.ts'
import { createTemporaryTree, type TemporaryTree } from './temporary-tree.ts'

const PAGES = ['AGENTS.md', 'ARCHITECTURE.md', 'GLOSSARY.md', 'CONTRIBUTING.md', 'apps/cli/README.md']
const MORE = ['sdk/typescript/README.md', 'sdk/python/README.md', 'apps/create-soma/README.md']
const page = '# A page\n\nIt says one thing. It says another.\n'
const tree = Object.fromEntries([...PAGES, ...MORE].map((path) => [path, page]))

let made: TemporaryTree
afterEach(() => made.remove())

it('lists pages with the first sentence below their heading, and finds guides, examples and promises by itself', () => {
  made = createTemporaryTree({
    ...tree,
    'README.md': '# Soma\n\nAgents that\n[work](a.md) together. More.\n',
    'docs/guides/push.md': '# Push\n\n```sh\nno\n```\n\nIt posts: with `care`. More.\n',
    'docs/spec/cli.md': '# Command line\n\n**Promise.** `soma` is one program. More.\n',
    'examples/01-a/README.md': '# One\n\n**Question.** What is it? More.\n',
    'examples/01-a/fixtures/README.md': '# Not this\n\nNo.\n',
  })
  const text = llmsText(made.root)
  expect(
    text.startsWith(
      '# Soma\n\n> Agents that work together.\n\n## Start here\n\n- [A page](AGENTS.md): It says one thing.',
    ),
  ).toBe(true)
  expect(text).toContain('## Examples\n\n- [One](examples/01-a/README.md): What is it?\n\n## Guides')
  expect(text).toContain('- [Push](docs/guides/push.md): It posts: with `care`.')
  expect(text).toContain('- [Command line](docs/spec/cli.md): `soma` is one program.')
})

it('refuses a page that does not say what it is', () => {
  made = createTemporaryTree({ ...tree, 'README.md': '# Soma\n' })
  expect(() => llmsText(made.root)).toThrow('README.md has no heading with a paragraph below it')
})
