import { closeSync, constants, fsyncSync, openSync, realpathSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { refusal } from '../refusal.ts'
import { claimDirectory, contentOf, isCode, releaseDirectory, temporaryIn } from './claim-directory.ts'

export interface WrittenFiles {
  /** The report's directory, relative to the folder: `soma-report`, `soma-report-2` … */
  readonly dir: string
  readonly written: readonly string[]
  /** Files that were there with these bytes: their modification time is what it was. */
  readonly untouched: readonly string[]
}

export interface WriteOptions {
  /** Who writes, the same in every repeat. Two owners never write into one directory at the same time. Default: '', one for all. */
  readonly owner?: string
  /** Called before each file is put in its place; for tests that stop there. */
  readonly beforeRename?: (name: string) => void
}

/**
 * Writes the files of a report into `<folder>/soma-report`, or `-2`, `-3` … if that holds other content. Looks first and leaves
 * an equal file alone; each file appears whole or not at all; after a crash at any point the same call completes the same
 * directory. A directory that another owner is writing into counts as one with other content. Nothing outside that directory is
 * touched.
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
  const dir = claimDirectory(root, { files, owner: options.owner ?? '' })
  const place = join(root, dir)
  const written: string[] = []
  const untouched: string[] = []
  for (const name of names) {
    const content = files[name] ?? ''
    const isWritten =
      contentOf(join(place, name)) !== content && putWhole(place, { name, content, beforeRename: options.beforeRename })
    ;(isWritten ? written : untouched).push(name)
  }
  if (written.length > 0) syncDirectory(place)
  releaseDirectory(place)
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

/** Whether this call put the file there: another attempt of the same owner may be quicker, and sweep our temporary file away. */
function putWhole(place: string, { name, content, beforeRename }: PendingFile): boolean {
  const temporary = temporaryIn(place)
  const descriptor = openSync(temporary, 'wx', 0o644)
  try {
    const bytes = Buffer.from(content)
    for (let done = 0; done < bytes.byteLength; ) done += writeSync(descriptor, bytes, done)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  beforeRename?.(name)
  try {
    renameSync(temporary, join(place, name))
    return true
  } catch (error) {
    if (isCode(error, 'ENOENT') && contentOf(join(place, name)) === content) return false
    throw error
  }
}
