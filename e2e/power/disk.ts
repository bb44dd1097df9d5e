import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'

/**
 * The files of a folder as a power cut would leave them. Terms: what a process wrote is `now`; what it also synced is `durable`. A write or a new size of a file is
 * durable after a sync of the file, a name after a sync of the folder that holds it, and nothing is durable by itself. That is less than any file system keeps.
 */
export interface Disk {
  has(path: string): boolean
  create(path: string): void
  makeFolder(path: string): void
  write(path: string, offset: number | 'end', bytes: Buffer): void
  resize(path: string, size: number): void
  grow(path: string, size: number): void
  rename(from: string, to: string): void
  link(from: string, to: string): void
  remove(path: string): void
  /** Answers what to call when the sync is done: it covers what was written before it began. */
  sync(path: string): () => void
  /** Writes what is durable into a folder that does not exist yet. */
  writeTo(folder: string): void
}

type Change = { readonly offset: number; readonly bytes: Buffer } | { readonly size: number }

interface File {
  durable: Buffer
  durableSize: number
  size: number
  /** Not durable yet, in order; `first` is the number of the earliest. */
  changes: Change[]
  first: number
}

interface Folder {
  now: Map<string, Entry>
  durable: Map<string, Entry>
  /** Number of the sync that made `durable`. */
  synced: number
}

type Entry = File | Folder

export interface DiskOptions {
  /** Everything below it is durable to begin with. */
  readonly root: string
  /** A sync makes all names durable that are older than it, as the journals of ext4 and XFS do. Default: it makes none but those of the folder that it names. */
  readonly isJournaled?: boolean
}

export function createDisk({ root, isJournaled = false }: DiskOptions): Disk {
  const top = load(root)
  const changed = new Set<Folder>()
  let syncs = 0

  const find = (path: string): Entry | undefined => {
    const names = relative(root, path)
    let entry: Entry | undefined = top
    for (const name of names === '' ? [] : names.split(sep)) entry = isFolder(entry) ? entry.now.get(name) : undefined
    return entry
  }
  const fileAt = (path: string): File => {
    const found = find(path)
    if (found === undefined || isFolder(found)) throw new Error(`${path} is no file of the emulated disk`)
    return found
  }
  const folderOf = (path: string): Folder => {
    const found = find(dirname(path))
    if (!isFolder(found)) throw new Error(`${dirname(path)} is no folder of the emulated disk`)
    changed.add(found)
    return found
  }
  const put = (path: string, entry: Entry) => void folderOf(path).now.set(basename(path), entry)
  const syncNames = (folder: Folder): (() => void) => {
    const [number, names] = [++syncs, new Map(folder.now)]
    return () => {
      if (folder.synced < number) Object.assign(folder, { durable: names, synced: number })
    }
  }
  const disk: Disk = {
    has: (path) => find(path) !== undefined,
    create: (path) => {
      if (find(path) === undefined) put(path, aFile(Buffer.alloc(0)))
    },
    makeFolder: (path) => put(path, aFolder()),
    write: (path, offset, bytes) => {
      const file = fileAt(path)
      const at = offset === 'end' ? file.size : offset
      file.changes.push({ offset: at, bytes })
      file.size = Math.max(file.size, at + bytes.length)
    },
    resize: (path, size) => {
      const file = fileAt(path)
      file.changes.push({ size })
      file.size = size
    },
    grow: (path, size) => {
      if (fileAt(path).size < size) disk.resize(path, size)
    },
    rename: (from, to) => {
      const entry = find(from)
      if (entry === undefined) throw new Error(`${from} is not on the emulated disk`)
      folderOf(from).now.delete(basename(from))
      put(to, entry)
    },
    link: (from, to) => put(to, fileAt(from)),
    remove: (path) => void folderOf(path).now.delete(basename(path)),
    sync: (path) => {
      const entry = find(path)
      const done: (() => void)[] = []
      if (isFolder(entry)) done.push(syncNames(entry))
      else if (entry !== undefined) {
        const upTo = entry.first + entry.changes.length
        done.push(() => settle(entry, upTo))
      }
      if (isJournaled) {
        done.push(...[...changed].map(syncNames))
        changed.clear()
      }
      return () => done.forEach((each) => each())
    },
    writeTo: (folder) => writeFolder(top, folder),
  }
  return disk
}

const isFolder = (entry: Entry | undefined): entry is Folder => entry !== undefined && 'now' in entry

const aFile = (bytes: Buffer): File => ({
  durable: bytes,
  durableSize: bytes.length,
  size: bytes.length,
  changes: [],
  first: 0,
})

const aFolder = (entries: [string, Entry][] = []): Folder => ({
  now: new Map(entries),
  durable: new Map(entries),
  synced: 0,
})

const load = (folder: string): Folder =>
  aFolder(
    readdirSync(folder, { withFileTypes: true }).map((entry) => {
      const path = join(folder, entry.name)
      return [entry.name, entry.isDirectory() ? load(path) : aFile(readFileSync(path))]
    }),
  )

/** Makes the changes before number `upTo` durable. */
function settle(file: File, upTo: number): void {
  const settled = file.changes.splice(0, Math.max(0, upTo - file.first))
  file.first += settled.length
  for (const change of settled)
    if ('size' in change) {
      file.durable.fill(0, change.size, file.durableSize)
      reserve(file, change.size)
      file.durableSize = change.size
    } else {
      const end = change.offset + change.bytes.length
      reserve(file, end)
      change.bytes.copy(file.durable, change.offset)
      file.durableSize = Math.max(file.durableSize, end)
    }
}

function reserve(file: File, size: number): void {
  if (file.durable.length >= size) return
  const larger = Buffer.alloc(Math.max(size, file.durable.length * 2))
  file.durable.copy(larger)
  file.durable = larger
}

function writeFolder(folder: Folder, path: string): void {
  mkdirSync(path, { mode: 0o700 })
  for (const [name, entry] of folder.durable)
    if (isFolder(entry)) writeFolder(entry, join(path, name))
    else writeFileSync(join(path, name), entry.durable.subarray(0, entry.durableSize), { mode: 0o600 })
}
