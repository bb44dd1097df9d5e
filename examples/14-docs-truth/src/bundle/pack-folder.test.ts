import { type Dirent, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeReport } from '../report/write-report.ts'
import { writeFilesOnce } from '../report/write-files-once.ts'
import { aFolder } from '../testing/a-folder.ts'
import { PLANTED_LIES, runEngine } from '../testing/run-engine.ts'
import type { NotReadReason } from './bundle.ts'
import { createBundleReader, openBundle, writeBundle } from './bundle-store.ts'
import { packFolder } from './pack-folder.ts'

const pathsOf = (folder: string): readonly string[] => packFolder(folder).manifest.files.map((file) => file.path)

const reasonOf = (folder: string, path: string): NotReadReason | undefined =>
  packFolder(folder).manifest.notRead.find((entry) => entry.path === path)?.reason

test('version control, dependencies, ignored files and secrets are never packed', () => {
  const key = `-----BEGIN PRIVATE KEY-----\n${'A'.repeat(64)}\n${'B'.repeat(64)}\n-----END PRIVATE KEY-----\n`
  const folder = aFolder({
    '.git/config': 'x',
    '.soma/data': 'x',
    '.gitignore': '*.log\n/out/\n',
    '.env': 'A=1',
    '.env.production': 'A=1',
    'deploy/server.pem': 'x',
    id_rsa: 'x',
    'notes.txt': key,
    'src/token.js': `const token = 'ghp_${'a1'.repeat(18)}'`,
    'a.log': 'x',
    'out/a.js': 'x',
    'node_modules/x/index.js': 'x',
    'vendor/y.php': 'x',
    'src/a.js': 'x',
    'src/.gitignore': 'secret-notes.md\n!keep.log\n',
    'src/secret-notes.md': 'x',
    'src/keep.log': 'x',
    'README.md': '# Hi',
  })
  expect(pathsOf(folder)).toEqual(['.gitignore', 'README.md', 'src/.gitignore', 'src/a.js', 'src/keep.log'])
  expect(reasonOf(folder, '.env')).toBe('named like a secret')
  expect(reasonOf(folder, 'src/token.js')).toBe('holds something like a secret')
  expect(reasonOf(folder, 'notes.txt')).toBe('holds something like a secret')
  expect(reasonOf(folder, 'node_modules')).toBe('dependency folder')
  expect(reasonOf(folder, 'src/secret-notes.md')).toBe('ignored by git')
})

test('rules above a chosen folder hold in it, unless they ignore all of it', () => {
  const checkout = aFolder({
    '.git/HEAD': 'x',
    '.gitignore': '*.tmp\nlib/\n',
    'part/a.tmp': 'x',
    'part/b.js': 'x',
    'lib/c.js': 'x',
  })
  expect(pathsOf(join(checkout, 'part'))).toEqual(['b.js'])
  expect(pathsOf(join(checkout, 'lib'))).toEqual(['c.js'])
})

test('no link is followed, out of the folder or in a circle', () => {
  const outside = aFolder({ 'passwd.md': '`secret`' })
  const folder = aFolder({ 'docs/a.md': '# A' })
  symlinkSync(outside, join(folder, 'out'))
  symlinkSync(join(outside, 'passwd.md'), join(folder, 'out.md'))
  symlinkSync(folder, join(folder, 'docs', 'circle'))
  symlinkSync('b', join(folder, 'a'))
  symlinkSync('a', join(folder, 'b'))
  expect(pathsOf(folder)).toEqual(['docs/a.md'])
  expect(reasonOf(folder, 'out')).toBe('link out of the folder')
  expect(reasonOf(folder, 'out.md')).toBe('link out of the folder')
  expect(reasonOf(folder, 'docs/circle')).toBe('link inside the folder')
  expect(reasonOf(folder, 'a')).toBe('could not be read')
})

test('over a limit the documents are packed first and the rest is listed', () => {
  const folder = aFolder({ 'a.js': 'aa', 'b.js': 'bb', 'z/README.md': '# Z', 'docs/guide.md': '# G' })
  const byFiles = packFolder(folder, { maxFiles: 3 })
  expect(byFiles.manifest.files.map((file) => file.path)).toEqual(['a.js', 'docs/guide.md', 'z/README.md'])
  expect(byFiles.manifest.notRead).toEqual([{ path: 'b.js', type: 'file', reason: 'over the limit of files' }])
  const byBytes = packFolder(folder, { maxBytes: 7 })
  expect(byBytes.manifest.files.map((file) => file.path)).toEqual(['docs/guide.md', 'z/README.md'])
  expect(packFolder(folder, { maxFileBytes: 2 }).manifest.notRead.map((entry) => entry.path)).toEqual([
    'docs/guide.md',
    'z/README.md',
  ])
})

test('a folder that cannot be read is refused by name with a remedy', () => {
  const refused = expect.objectContaining({ code: 'folder-unreadable', remedy: expect.stringContaining('directory') })
  expect(() => packFolder(join(aFolder(), 'missing'))).toThrow(refused)
  expect(() => packFolder(join(aFolder({ file: 'x' }), 'file'))).toThrow(refused)
})

test('equal folders give equal bytes and reports, in whatever order the disk lists them', () => {
  const shuffled = (path: string): readonly Dirent[] =>
    readdirSync(path, { withFileTypes: true }).toSorted((left, right) =>
      reversed(left.name) < reversed(right.name) ? 1 : -1,
    )
  const [bundle, other] = [packFolder(PLANTED_LIES), packFolder(PLANTED_LIES, { readDirectory: shuffled })]
  expect(other.digest).toBe(bundle.digest)
  expect(writeReport(other, runEngine(other))).toEqual(writeReport(bundle, runEngine(bundle)))
})

const reversed = (text: string): string => text.split('').reverse().join('')

test('reports of earlier runs are not seen, so a second run gives the same bytes', () => {
  const folder = aFolder({ 'README.md': 'See `src/gone.js`.', 'src/a.js': '' })
  const bundle = packFolder(folder)
  const files = writeReport(bundle, runEngine(bundle))
  writeFilesOnce(folder, { ...files })
  mkdirSync(join(folder, 'soma-report-2'))
  writeFileSync(join(folder, 'soma-report-2', 'report.md'), 'See `src/other.js`.')
  const again = packFolder(folder)
  expect(again.digest).toBe(bundle.digest)
  expect(writeReport(again, runEngine(again))).toEqual(files)
})

test('paths that soma-report.yaml excludes are not packed', () => {
  const folder = aFolder({
    'soma-report.yaml': 'exclude:\n  - path: docs/spec/\n    reason: promises, not facts\n',
    'docs/spec/a.md': 'x',
    'docs/b.md': 'x',
  })
  expect(pathsOf(folder)).toEqual(['docs/b.md', 'soma-report.yaml'])
  expect(reasonOf(folder, 'docs/spec')).toBe('excluded by soma-report.yaml')
})

test('a stored bundle is read back after a crash, kept when it is whole, and refused when it is damaged', () => {
  const directory = aFolder()
  const bundle = packFolder(aFolder({ 'README.md': '\ufeff# Hi\r\n', 'a/b.js': 'let a\n', 'a/c.js': 'let a\n' }))
  const { file } = writeBundle(directory, bundle)
  expect(writeBundle(directory, bundle).file).toBe(file)
  expect(readdirSync(directory)).toHaveLength(1)
  const read = openBundle(directory, bundle.digest)
  expect(read.manifest).toEqual(bundle.manifest)
  expect(read.read('README.md')).toBe('\ufeff# Hi\r\n')
  expect(read.read('a/c.js')).toBe('let a\n')
  expect(read.search('let')).toEqual([
    { file: 'a/b.js', line: 1, quote: 'let a' },
    { file: 'a/c.js', line: 1, quote: 'let a' },
  ])
  const open = createBundleReader(directory)
  expect(open(bundle.digest)).toBe(open(bundle.digest))
  writeFileSync(file, Buffer.concat([bundle.encode(), Buffer.from('x')]))
  expect(() => openBundle(directory, bundle.digest)).toThrow(expect.objectContaining({ code: 'bundle-damaged' }))
  expect(() => openBundle(directory, '0'.repeat(64))).toThrow(expect.objectContaining({ code: 'bundle-missing' }))
  expect(() => openBundle(directory, '../../etc/passwd')).toThrow(expect.objectContaining({ code: 'bundle-missing' }))
})
