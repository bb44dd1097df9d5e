import { closeSync, constants, type Dirent, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import ignore from 'ignore'
import { readReportSettings } from '../report/report-settings.ts'
import { type Bundle, type BundleFile, byCodeUnit, type NotRead, type NotReadReason } from './bundle.ts'
import { createBundle, sha256 } from './bundle-format.ts'
import { fileKind, KIND_ORDER } from './file-kind.ts'
import { holdsSecret } from './secrets.ts'
import { folderRoot, type WalkedFile, walkFolder } from './walk-folder.ts'

export interface PackOptions {
  /** At most this many files are packed (20 000). */
  readonly maxFiles?: number
  /** At most this many bytes are packed (200 000 000). */
  readonly maxBytes?: number
  /** A file over this size is listed and not read (2 000 000): above it come generated files, and documents nobody reads. */
  readonly maxFileBytes?: number
  /** Reads a directory; for tests. */
  readonly readDirectory?: (path: string) => readonly Dirent[]
}

const BINARY_NAME =
  /\.(png|jpe?g|gif|webp|avif|ico|bmp|tiff?|pdf|zip|gz|tgz|bz2|xz|zst|7z|rar|jar|war|woff2?|ttf|otf|eot|mp[34]|m4[av]|wav|ogg|webm|mov|avi|wasm|node|so|dylib|dll|exe|bin|class|pyc|o|a|db|sqlite3?|onnx|parquet)$/i

/**
 * Packs a folder under the rights of whoever calls: no link is followed, nothing that git ignores, that is a dependency or that
 * looks like a secret is read. Over the limits documents come first and the rest is listed as not read. Paths excluded in
 * `soma-report.yaml` are left out. Equal folders give equal bytes.
 *
 * Raises `folder-unreadable`, `folder-too-large` (more than 250 000 names) and `report-settings-invalid`.
 */
export function packFolder(folder: string, options: PackOptions = {}): Bundle {
  const root = folderRoot(folder)
  const { exclude } = readReportSettings(root)
  const excluded = ignore({ allowRelativePaths: true }).add(exclude.map((entry) => entry.path))
  const walk = walkFolder(root, {
    isExcluded: (path, isFolder) => exclude.length > 0 && excluded.ignores(isFolder ? `${path}/` : path),
    ...(options.readDirectory === undefined ? {} : { readDirectory: options.readDirectory }),
  })
  const packing = takeFiles(root, walk.files, options)
  const byPath = (left: { readonly path: string }, right: { readonly path: string }): number =>
    byCodeUnit(left.path, right.path)
  return createBundle(
    {
      format: 'soma-folder-bundle/1',
      files: packing.files.sort(byPath),
      directories: walk.directories,
      notRead: [...walk.notRead, ...packing.notRead].sort(byPath),
    },
    packing.contents,
  )
}

interface Packing {
  readonly files: BundleFile[]
  readonly notRead: NotRead[]
  readonly contents: Map<string, Uint8Array>
}

function takeFiles(folder: string, files: readonly WalkedFile[], options: PackOptions): Packing {
  const { maxFiles = 20_000, maxBytes = 200_000_000, maxFileBytes = 2_000_000 } = options
  const packing: Packing = { files: [], notRead: [], contents: new Map() }
  let packedBytes = 0
  for (const file of inTakingOrder(files)) {
    const leaveOut = (reason: NotReadReason): void =>
      void packing.notRead.push({ path: file.path, type: 'file', reason })
    if (BINARY_NAME.test(file.path)) leaveOut('binary')
    else if (file.bytes > maxFileBytes) leaveOut('over the size of one file')
    else if (packing.files.length >= maxFiles) leaveOut('over the limit of files')
    else if (packedBytes + file.bytes > maxBytes) leaveOut('over the limit of bytes')
    else {
      const content = readRegularFile(join(folder, file.path), maxFileBytes)
      const reason = content === undefined ? 'could not be read' : refusedContent(content)
      if (content === undefined || reason !== undefined) leaveOut(reason ?? 'could not be read')
      else packedBytes += take(packing, file.path, content)
    }
  }
  return packing
}

/** Documents first, then manifests, sources, records and data; each sorted by path. */
const inTakingOrder = (files: readonly WalkedFile[]): readonly WalkedFile[] =>
  files
    .map((file) => ({ file, order: KIND_ORDER[fileKind(file.path)] }))
    .sort((left, right) => left.order - right.order || byCodeUnit(left.file.path, right.file.path))
    .map(({ file }) => file)

function take(packing: Packing, path: string, content: Buffer): number {
  const digest = sha256(content)
  packing.contents.set(digest, content)
  packing.files.push({ path, sha256: digest, bytes: content.byteLength, kind: fileKind(path) })
  return content.byteLength
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function refusedContent(content: Buffer): NotReadReason | undefined {
  if (content.includes(0)) return 'binary'
  try {
    return holdsSecret(strictUtf8.decode(content)) ? 'holds something like a secret' : undefined
  } catch {
    return 'binary'
  }
}

/** Opens without following a link that took the file's place, and without waiting on a pipe. */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

function readRegularFile(file: string, maxFileBytes: number): Buffer | undefined {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, READ_FLAGS)
    const stats = fstatSync(descriptor)
    if (!stats.isFile() || stats.size > maxFileBytes) return undefined
    const content = Buffer.alloc(stats.size)
    let length = 0
    for (let read = -1; read !== 0 && length < content.length; length += read) {
      read = readSync(descriptor, content, length, content.length - length, length)
    }
    return content.subarray(0, length)
  } catch {
    return undefined
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}
