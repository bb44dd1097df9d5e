import {
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '../bundle/bundle-format.ts'
import { refusal } from '../refusal.ts'

export interface WrittenFiles {
  /** The report's directory, relative to the folder: `soma-report`, `soma-report-2` … */
  readonly dir: string
  readonly written: readonly string[]
  /** Files that were there with these bytes: their modification time is what it was. */
  readonly untouched: readonly string[]
}

export interface WriteOptions {
  /** Called before each file is put in its place; for tests that stop there. */
  readonly beforeRename?: (name: string) => void
}

const TEMPORARY = /^\.soma-[0-9a-f]{64}\.tmp$/

/**
 * Writes the files of a report into `<folder>/soma-report`, or `-2`, `-3` … if that holds other content. Looks first and leaves
 * an equal file alone; each file appears whole or not at all; after a crash at any point the same call completes the same
 * directory. Nothing outside that directory is touched.
 *
 * Raises `report-place-unsafe` when a link stands where the directory or a file would, and `folder-unreadable`.
 */
export function writeFilesOnce(
  folder: string,
  files: Readonly<Record<string, string>>,
  options: WriteOptions = {},
): WrittenFiles {
  const names = Object.keys(files).toSorted()
  for (const name of names) {
    if (!/^[\w-]+(\.[\w-]+)*$/.test(name)) throw refusal('input-invalid', `"${name}" is not a plain file name.`)
  }
  const root = rootOf(folder)
  const dir = chooseDirectory(root, files)
  const place = join(root, dir)
  const written: string[] = []
  const untouched: string[] = []
  for (const name of names) {
    const content = files[name] ?? ''
    if (contentOf(join(place, name)) === content) untouched.push(name)
    else {
      writeWhole(place, { name, content, beforeRename: options.beforeRename })
      written.push(name)
    }
  }
  if (written.length > 0) syncDirectory(place)
  for (const name of readdirSync(place)) if (TEMPORARY.test(name)) rmSync(join(place, name))
  return { dir, written, untouched }
}

function rootOf(folder: string): string {
  try {
    return realpathSync(folder)
  } catch (error) {
    throw refusal(
      'folder-unreadable',
      `The folder "${folder}" cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}.`,
    )
  }
}

/** The first directory of the row that is ours (only these files, with these bytes, perhaps not all yet) or does not exist. */
function chooseDirectory(root: string, files: Readonly<Record<string, string>>): string {
  for (let number = 1; ; number += 1) {
    const dir = number === 1 ? 'soma-report' : `soma-report-${number}`
    const place = join(root, dir)
    const stats = lstatSync(place, { throwIfNoEntry: false })
    if (stats?.isSymbolicLink()) throw refusal('report-place-unsafe', `"${dir}" in ${root} is a link.`)
    if (stats === undefined) {
      mkdirSync(place)
      return dir
    }
    if (stats.isDirectory() && isOurs(place, files)) return dir
  }
}

function isOurs(place: string, files: Readonly<Record<string, string>>): boolean {
  return readdirSync(place).every(
    (name) => TEMPORARY.test(name) || (Object.hasOwn(files, name) && contentOf(join(place, name)) === files[name]),
  )
}

/** The text of a regular file; undefined when there is none. A link is never read through. */
function contentOf(file: string): string | undefined {
  const stats = lstatSync(file, { throwIfNoEntry: false })
  return stats?.isFile() ? readFileSync(file, 'utf8') : undefined
}

/** Makes the renames last through a loss of power; Windows does so by itself and cannot open a directory. */
function syncDirectory(place: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(place, constants.O_RDONLY)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

interface PendingFile {
  readonly name: string
  readonly content: string
  readonly beforeRename: ((name: string) => void) | undefined
}

/** The temporary name follows from the content, so that a repeat after a crash finds and replaces it. */
function writeWhole(place: string, { name, content, beforeRename }: PendingFile): void {
  const temporary = join(place, `.soma-${sha256(`${name}\n${content}`)}.tmp`)
  rmSync(temporary, { force: true })
  const descriptor = openSync(
    temporary,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0),
    0o644,
  )
  try {
    const bytes = Buffer.from(content)
    for (let done = 0; done < bytes.byteLength; ) done += writeSync(descriptor, bytes, done)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  beforeRename?.(name)
  renameSync(temporary, join(place, name))
}
