import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { faultsOfName } from './project-name.ts'

it('CLI-R16 takes a name that is a folder, an npm package, a Python package and an agent at once', () => {
  for (const name of ['weather', 'my-agent-2', 'a'.repeat(64)]) expect(faultsOfName(name)).toEqual([])
  const wrong = [
    '',
    'Weather',
    'my_agent',
    '-a',
    'a-',
    'a--b',
    '2fast',
    'a b',
    'a/b',
    '..',
    '.a',
    '@a/b',
    'wéather',
    'a\n',
  ]
  for (const name of wrong) expect(faultsOfName(name), name).toEqual([expect.stringContaining('hyphens')])
  for (const name of ['nul', 'com3', 'http', 'zod', 'lambda', 'plan']) {
    expect(faultsOfName(name), name).toEqual([expect.stringContaining(`my-${name}`)])
  }
})

it('CLI-R16 says all that is wrong with a name at once', () => {
  expect(faultsOfName('A'.repeat(65))).toEqual([expect.stringContaining('hyphens'), expect.stringContaining('65')])
})

it('knows every noun that events of the platform begin with', () => {
  const page = readFileSync(new URL('../../../docs/reference/events.md', import.meta.url), 'utf8')
  const nouns = new Set([...page.matchAll(/^\| `([a-z-]+)\.[a-z.-]+` \|/gm)].map(([, noun]) => noun as string))
  expect(nouns.size).toBeGreaterThan(10)
  for (const noun of nouns) expect(faultsOfName(noun), noun).not.toEqual([])
})
