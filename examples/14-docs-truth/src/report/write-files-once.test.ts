import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { aFolder } from '../testing/a-folder.ts'
import { type WrittenFiles, writeFilesOnce } from './write-files-once.ts'

const FILES = { 'report.md': '# Report\n', 'report.json': '{}\n', 'fixes.patch': '' }

const contentsOf = (folder: string, dir: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(join(folder, dir)).map((name) => [name, readFileSync(join(folder, dir, name), 'utf8')]),
  )

test('a repeat leaves equal files alone, to their modification time', () => {
  const folder = aFolder()
  expect(writeFilesOnce(folder, FILES)).toEqual({
    dir: 'soma-report',
    written: ['fixes.patch', 'report.json', 'report.md'],
    untouched: [],
  })
  const file = join(folder, 'soma-report', 'report.md')
  utimesSync(file, 1_000, 1_000)
  expect(writeFilesOnce(folder, FILES)).toEqual({
    dir: 'soma-report',
    written: [],
    untouched: ['fixes.patch', 'report.json', 'report.md'],
  })
  expect(statSync(file).mtimeMs).toBe(1_000_000)
})

test('a crash at any point and a repeat end in the same directory', () => {
  for (const name of Object.keys(FILES)) {
    const folder = aFolder()
    const crash = (next: string): void => {
      if (next === name) throw new Error('killed')
    }
    expect(() => writeFilesOnce(folder, FILES, { beforeRename: crash })).toThrow('killed')
    expect(() => writeFilesOnce(folder, FILES, { beforeRename: crash })).toThrow('killed')
    expect(writeFilesOnce(folder, FILES).dir).toBe('soma-report')
    expect(contentsOf(folder, 'soma-report')).toEqual(FILES)
    expect(readdirSync(folder)).toEqual(['soma-report'])
  }
})

test('other content is never overwritten: the next number is taken', () => {
  const folder = aFolder({ 'soma-report/report.md': 'mine', 'soma-report-2': 'a file' })
  expect(writeFilesOnce(folder, FILES).dir).toBe('soma-report-3')
  expect(writeFilesOnce(folder, FILES)).toMatchObject({ dir: 'soma-report-3', written: [] })
  expect(contentsOf(folder, 'soma-report')).toEqual({ 'report.md': 'mine' })
})

test('only the files that were approved are written', () => {
  const folder = aFolder()
  writeFilesOnce(folder, { 'report.md': 'x' })
  expect(contentsOf(folder, 'soma-report')).toEqual({ 'report.md': 'x' })
})

test('a link in the place of the directory is refused, one in the place of a file is not written through', () => {
  const outside = aFolder({ 'report.md': 'theirs' })
  const folder = aFolder()
  symlinkSync(outside, join(folder, 'soma-report'))
  expect(() => writeFilesOnce(folder, FILES)).toThrow(expect.objectContaining({ code: 'report-place-unsafe' }))
  const other = aFolder()
  mkdirSync(join(other, 'soma-report'))
  symlinkSync(join(outside, 'report.md'), join(other, 'soma-report', 'report.md'))
  expect(writeFilesOnce(other, FILES).dir).toBe('soma-report-2')
  expect(contentsOf(outside, '.')).toEqual({ 'report.md': 'theirs' })
})

test('a name that leads elsewhere is refused before anything is written', () => {
  const folder = aFolder()
  for (const name of ['../x', 'a/b', '/etc/passwd', '..', 'a\nb', '.ssh']) {
    expect(() => writeFilesOnce(folder, { [name]: 'x' })).toThrow(expect.objectContaining({ code: 'input-invalid' }))
  }
  expect(existsSync(join(folder, 'soma-report'))).toBe(false)
  expect(() => writeFilesOnce(join(folder, 'gone'), FILES)).toThrow(
    expect.objectContaining({ code: 'folder-unreadable' }),
  )
})

test('a temporary file that a crash left behind is replaced and gone', () => {
  const folder = aFolder({ [`soma-report/.soma-${'a'.repeat(64)}.tmp`]: 'half' })
  writeFileSync(join(folder, 'soma-report', 'report.md'), FILES['report.md'])
  expect(writeFilesOnce(folder, FILES)).toMatchObject({ dir: 'soma-report', untouched: ['report.md'] })
  expect(contentsOf(folder, 'soma-report')).toEqual(FILES)
})

/** A process of its own that writes reports; answers what it wrote where. */
async function aWriter(owner: string) {
  const script = fileURLToPath(new URL('../testing/write-reports.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=@soma/source', '--import', import.meta.resolve('tsx'), script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill())
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  expect((await lines.next()).value).toBe('ready')
  return async (folder: string, files: Readonly<Record<string, string>>): Promise<WrittenFiles> => {
    child.stdin.write(`${JSON.stringify({ folder, owner, files })}\n`)
    return JSON.parse((await lines.next()).value as string) as WrittenFiles
  }
}

test('two processes that write different reports at the same instant get a directory each, whole and written once', async () => {
  const writers = await Promise.all(
    ['a', 'b'].map(async (owner) => {
      const files = Object.fromEntries(Object.keys(FILES).map((name) => [name, owner]))
      return { files, write: await aWriter(owner) }
    }),
  )
  for (let round = 0; round < 150; round += 1) {
    const folder = aFolder()
    const answers = await Promise.all(writers.map(({ write, files }) => write(folder, files)))
    expect(answers.map(({ written }) => written.length)).toEqual([3, 3])
    expect(answers.map(({ dir }) => contentsOf(folder, dir))).toEqual(writers.map(({ files }) => files))
    expect(readdirSync(folder).toSorted()).toEqual(['soma-report', 'soma-report-2'])
  }
}, 60_000)

test('two attempts of one owner at the same instant share a directory', async () => {
  const write = await Promise.all([aWriter('a'), aWriter('a')])
  for (let round = 0; round < 150; round += 1) {
    const folder = aFolder()
    const answers = await Promise.all(write.map((attempt) => attempt(folder, FILES)))
    expect(answers.map(({ dir }) => dir)).toEqual(['soma-report', 'soma-report'])
    expect(contentsOf(folder, 'soma-report')).toEqual(FILES)
  }
}, 60_000)

test('a directory that another owner began and did not finish is left to it', () => {
  const folder = aFolder()
  const crash = (): void => {
    throw new Error('killed')
  }
  expect(() => writeFilesOnce(folder, FILES, { owner: 'a', beforeRename: crash })).toThrow('killed')
  expect(writeFilesOnce(folder, FILES, { owner: 'b' }).dir).toBe('soma-report-2')
  expect(writeFilesOnce(folder, FILES, { owner: 'a' })).toMatchObject({ dir: 'soma-report', untouched: [] })
  expect(contentsOf(folder, 'soma-report')).toEqual(FILES)
})
