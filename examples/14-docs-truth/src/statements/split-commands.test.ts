import { expect, test } from 'vitest'
import { isShell, splitCommands } from './split-commands.ts'

const wordsOf = (text: string): readonly string[] =>
  splitCommands(text, 0).map((command) => command.words.map((word) => word.text).join(' '))

test('commands are split at operators, with prompts, comments and here-documents left out', () => {
  expect(wordsOf('$ cd a && npm run b # c\nnoise\n$ d | e; f')).toEqual(['cd a', 'npm run b', 'd', 'e', 'f'])
  expect(wordsOf('# only a comment\na \\\n  b')).toEqual(['a b'])
  expect(wordsOf('cat <<EOF\nnpm run x\nEOF\nmake y')).toEqual(['cat <<EOF', 'make y'])
  expect(wordsOf('curl \'a b\' --x="c d"')).toEqual(['curl a b --x=c d'])
})

test('words keep their offsets', () => {
  const text = 'A=1 npm run \\\n  build'
  const [command] = splitCommands(text, 100)
  expect(command?.assignments.map((word) => word.text)).toEqual(['A=1'])
  const [, , build] = command?.words ?? []
  expect(text.slice((build?.start ?? 0) - 100)).toBe('build')
})

test('a block is shell by its language or its first line', () => {
  expect(isShell('bash', '')).toBe(true)
  expect(isShell('', '$ a')).toBe(true)
  expect(isShell('', 'npm install')).toBe(true)
  expect(isShell('', 'const a = 1')).toBe(false)
  expect(isShell('json', 'npm install')).toBe(false)
})
