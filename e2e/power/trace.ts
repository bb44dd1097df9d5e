import { spawnSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { resolve, sep } from 'node:path'
import { createInterface } from 'node:readline'
import { createDisk, type Disk, type DiskOptions } from './disk.ts'

const CALLS = [
  ...['openat', 'open', 'creat', 'lseek', 'ftruncate', 'truncate', 'fallocate'],
  ...['write', 'pwrite64', 'writev', 'pwritev', 'pwritev2', 'copy_file_range', 'sendfile'],
  ...['fsync', 'fdatasync', 'sync', 'syncfs'],
  ...['rename', 'renameat', 'renameat2', 'link', 'linkat', 'unlink', 'unlinkat', 'mkdir', 'mkdirat', 'rmdir'],
]
/** No call of a store writes more at once. */
const LONGEST_WRITE = 33_554_432

/** Words before a command whose calls on files are to be told to `file`. They need strace and leave to trace one's own children. */
export const tracedTo = (file: string): string[] => [
  ...['strace', '-f', '-q', '-ttt', '-y', '-xx', '-v', '-s', String(LONGEST_WRITE), '--seccomp-bpf'],
  ...['-e', 'signal=none', '-e', `trace=${CALLS.join(',')}`, '-o', file],
]

/** Why this machine lets nothing be traced; undefined when it does. */
export function tracingFault(): string | undefined {
  const [command, ...words] = tracedTo('/dev/null')
  const { status, stderr, error } = spawnSync(command as string, [...words, process.execPath, '--version'], {
    encoding: 'utf8',
  })
  return status === 0 ? undefined : (error?.message ?? stderr)
}

export interface Cut extends DiskOptions {
  readonly trace: string
  /** Milliseconds since 1970. */
  readonly moment: number
  /** What the disk held then is written here; nothing is there yet. */
  readonly folder: string
}

/** Loads `root` as it is before the traced run; the answer, called after the run, writes what a power cut at a moment of it left. Paths that are no absolute ones start at `root`. */
export function prepareCut(options: DiskOptions): (cut: Omit<Cut, keyof DiskOptions>) => Promise<void> {
  const disk = createDisk(options)
  return async ({ trace, moment, folder }) => {
    const calls = createCalls(disk, options.root)
    for await (const line of createInterface({ input: createReadStream(trace) })) {
      const [, thread = '', seconds = '', text = ''] = /^(\d+) +(\d+\.\d+) ([^]*)$/.exec(line) ?? []
      if (Number(seconds) * 1_000 > moment) return disk.writeTo(folder)
      calls.read(thread, text)
    }
    throw new Error(`${trace} ends before the power was cut`)
  }
}

interface Call {
  readonly name: string
  readonly words: string
  /** What the call answered, with the path of a new descriptor. */
  readonly answer: string
}

/** Lines of a trace → changes of the disk. A call that another thread interrupts has two lines, and counts when it ends. */
function createCalls(disk: Disk, root: string) {
  const begun = new Map<string, { text: string; synced: (() => void) | undefined }>()
  /** Of descriptors whose calls name no offset. */
  const positions = new Map<string, number | 'end'>()
  const isSynced = new Set<string>()
  const isOurs = (path: string | undefined): path is string =>
    path !== undefined && (path === root || path.startsWith(root + sep))

  const write = ({ name, words, answer }: Call) => {
    const { path, key } = descriptorOf(words)
    if (!isOurs(path) || !disk.has(path)) return
    const bytes = Buffer.concat(stringsOf(words)).subarray(0, Number(answer))
    const isPlaced = name.startsWith('p')
    const offset = isPlaced ? Number(numbersOf(words).at(name === 'pwritev2' ? -2 : -1)) : positions.get(key)
    if (offset === undefined) throw new Error(`where ${name} wrote in ${path} is unknown`)
    disk.write(path, offset, bytes)
    if (!isPlaced && offset !== 'end') positions.set(key, offset + bytes.length)
    if (isSynced.has(key)) disk.sync(path)()
  }
  const open = ({ words, answer }: Call) => {
    const { path, key } = descriptorOf(answer)
    if (!isOurs(path)) return
    if (words.includes('O_CREAT')) disk.create(path)
    if (!disk.has(path)) return
    if (words.includes('O_TRUNC')) disk.resize(path, 0)
    positions.set(key, words.includes('O_APPEND') ? 'end' : 0)
    if (/O_D?SYNC/.test(words)) isSynced.add(key)
    else isSynced.delete(key)
  }
  const ofDescriptor = (work: (path: string, numbers: number[], key: string) => void) => (call: Call) => {
    const { path, key } = descriptorOf(call.words)
    if (isOurs(path) && disk.has(path)) work(path, [...numbersOf(call.words), Number.parseInt(call.answer, 10)], key)
  }
  const ofPaths = (work: (paths: string[]) => void) => (call: Call) => {
    const paths = pathsOf(call.words, root)
    const ours = paths.filter(isOurs).length
    if (ours === paths.length) work(paths)
    else if (ours > 0) throw new Error(`${call.name} crosses the border of the emulated disk: ${paths.join(', ')}`)
  }
  const rename = ofPaths(([from, to]) => disk.rename(from as string, to as string))
  const link = ofPaths(([from, to]) => disk.link(from as string, to as string))
  const remove = ofPaths(([path]) => disk.remove(path as string))
  const makeFolder = ofPaths(([path]) => disk.makeFolder(path as string))
  const unknown = ofDescriptor((path) => {
    throw new Error(`bytes were copied into ${path} by a call that the emulation does not know`)
  })
  const works: Readonly<Record<string, (call: Call) => void>> = {
    ...{ open, openat: open, creat: open, write, pwrite64: write, writev: write, pwritev: write, pwritev2: write },
    lseek: ofDescriptor((_path, numbers, key) => positions.set(key, numbers.at(-1) as number)),
    ftruncate: ofDescriptor((path, [size]) => disk.resize(path, size as number)),
    truncate: (call) => ofPaths(([path]) => disk.resize(path as string, numbersOf(call.words)[0] as number))(call),
    fallocate: (call) =>
      ofDescriptor((path, [, offset, length]) => {
        if (/, 0, \d+, \d+$/.test(call.words)) disk.grow(path, (offset as number) + (length as number))
      })(call),
    ...{ rename, renameat: rename, renameat2: rename, link, linkat: link },
    ...{ unlink: remove, unlinkat: remove, rmdir: remove, mkdir: makeFolder, mkdirat: makeFolder },
    ...{ copy_file_range: unknown, sendfile: unknown },
  }
  const beginSync = (text: string): (() => void) | undefined => {
    const name = text.slice(0, text.indexOf('('))
    if (name === 'sync' || name === 'syncfs') return disk.sync(root)
    if (name !== 'fsync' && name !== 'fdatasync') return undefined
    const { path } = descriptorOf(text.slice(name.length + 1))
    return isOurs(path) ? disk.sync(path) : undefined
  }
  return {
    read(thread: string, line: string): void {
      if (line.endsWith(UNFINISHED)) {
        const text = line.slice(0, -UNFINISHED.length)
        begun.set(thread, { text, synced: beginSync(text) })
        return
      }
      const before = line.startsWith('<... ') ? begun.get(thread) : undefined
      begun.delete(thread)
      const text = before === undefined ? line : before.text + line.slice(line.indexOf('>') + 1)
      const end = text.lastIndexOf(') = ')
      const answer = text.slice(end + ') = '.length)
      if (end < 0 || answer.startsWith('-1') || answer.startsWith('?')) return
      const name = text.slice(0, text.indexOf('('))
      if (before === undefined) beginSync(text)?.()
      else before.synced?.()
      works[name]?.({ name, words: text.slice(name.length + 1, end).trimEnd(), answer })
    },
  }
}

const UNFINISHED = ' <unfinished ...>'

const decoded = (text: string): Buffer => Buffer.from(text.replaceAll('\\x', ''), 'hex')

/** Of `5</path>`; undefined when the file has no name any more. */
function descriptorOf(words: string): { path: string | undefined; key: string } {
  const [start, end] = [words.indexOf('<'), words.indexOf('>')]
  if (start < 0 || words.startsWith('(deleted)', end + 1)) return { path: undefined, key: '' }
  const path = decoded(words.slice(start + 1, end)).toString()
  return { path, key: `${words.slice(0, start)} ${path}` }
}

/** Bytes between quotes. */
const stringsOf = (words: string): Buffer[] =>
  words.split('"').flatMap((part, index) => (index % 2 === 1 ? [decoded(part)] : []))

/** Words that are a number alone. */
const numbersOf = (words: string): number[] =>
  words
    .split('"')
    .flatMap((part, index) =>
      index % 2 === 1 ? [] : [...part.matchAll(/, (\d+)(?=,|$)/g)].map(([, digits]) => Number(digits)),
    )

/** Each relative to the descriptor before it, else to the working directory. */
const pathsOf = (words: string, workingDirectory: string): string[] =>
  words.split('"').flatMap((part, index, parts) => {
    if (index % 2 === 0) return []
    const descriptor = /<([^<>]*)>, $/.exec(parts[index - 1] as string)?.[1]
    const base = descriptor === undefined ? workingDirectory : decoded(descriptor).toString()
    return [resolve(base, decoded(part).toString())]
  })
