import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packFolder } from '../bundle/pack-folder.ts'
import type { Fix } from '../checkers/verdict.ts'
import { aFolder } from '../testing/a-folder.ts'
import { applyFixes, createPatch } from './patch.ts'

function fixOf(folder: string, file: string, change: readonly [string, string]): Fix {
  const start = readFileSync(join(folder, file), 'utf8').indexOf(change[0])
  return { file, start, end: start + change[0].length, replacement: change[1] }
}

const LINES = Array.from({ length: 30 }, (_, index) => `line ${index}`)

test.each([
  ['line feeds', `${LINES.join('\n')}\n`],
  ['carriage returns and line feeds', `${LINES.join('\r\n')}\r\n`],
  ['no line end at the end', LINES.join('\n')],
  ['a byte order mark', `\ufeff${LINES.join('\n')}\n`],
  ['signs beyond Latin', `${LINES.join(' ☃\n')}\n`],
])('git applies a patch to a file with %s', (_name, text) => {
  const folder = aFolder({ 'docs/a page.md': text, 'README.md': text })
  const changes = [
    ['line 2', 'row 2'],
    ['line 15', 'row 15'],
    ['line 29', 'row 29'],
  ] as const
  const fixes = ['docs/a page.md', 'README.md'].flatMap((file) => changes.map((change) => fixOf(folder, file, change)))
  const patch = join(aFolder(), 'fixes.patch')
  writeFileSync(patch, createPatch(packFolder(folder), fixes))
  execFileSync('git', ['apply', '--check', patch], { cwd: folder })
  execFileSync('git', ['apply', patch], { cwd: folder })
  const expected = changes.reduce((result, [from, to]) => result.replace(from, to), text)
  expect(readFileSync(join(folder, 'README.md'), 'utf8')).toBe(expected)
  expect(readFileSync(join(folder, 'docs/a page.md'), 'utf8')).toBe(expected)
})

test('several fixes of one line are all made, of two that overlap the first', () => {
  const fix = (start: number, end: number, replacement: string): Fix => ({ file: 'a', start, end, replacement })
  expect(applyFixes('one two three', [fix(8, 13, '3'), fix(0, 3, '1'), fix(4, 7, '2')])).toBe('1 2 3')
  expect(applyFixes('one two', [fix(0, 5, 'x'), fix(4, 7, 'y')])).toBe('xwo')
})

test('a file whose name a patch cannot hold is left out of it', () => {
  const folder = aFolder({ 'a\nb.md': 'one\n', 'c.md': 'one\n' })
  const patch = createPatch(
    packFolder(folder),
    ['a\nb.md', 'c.md'].map((file) => fixOf(folder, file, ['one', 'two'])),
  )
  expect(patch).toContain('c.md')
  expect(patch).not.toContain('b.md')
})
