import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { syncDirectory } from './durable-directory.ts'

interface Entry {
  readonly path: string
  readonly isDirectory: boolean
  readonly bytes: Uint8Array
}

const BLOCK = 512
const DIRECTORY_FLAG = '5'

const text = (header: Buffer, from: number, length: number): string =>
  header.toString('latin1', from, from + length).replace(/\0.*$/s, '')

/** The entries of a ustar archive as PGlite dumps it: short names, no links. */
function* entriesOf(tar: Buffer): Generator<Entry> {
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0; ) {
    const header = tar.subarray(at, at + BLOCK)
    const size = Number.parseInt(text(header, 124, 12), 8) || 0
    const bytes = tar.subarray(at + BLOCK, at + BLOCK + size)
    yield { path: text(header, 0, 100), isDirectory: text(header, 156, 1) === DIRECTORY_FLAG, bytes }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
  }
}

function writeSynced(path: string, bytes: Uint8Array): void {
  const descriptor = openSync(path, 'w', 0o600)
  writeSync(descriptor, bytes)
  fsyncSync(descriptor)
  closeSync(descriptor)
}

/**
 * Makes a data directory from the template. It appears under its name only when it is whole and on the disk, so neither a killed process
 * nor a power cut during the first boot leaves half a database behind.
 */
export function createDirectory(directory: string, templateFile: string): void {
  const unfinished = `${directory}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { recursive: true, mode: 0o700 })
  const directories = [unfinished]
  for (const { path, isDirectory, bytes } of entriesOf(readFileSync(templateFile))) {
    const target = join(unfinished, path)
    if (!isDirectory) writeSynced(target, bytes)
    else if (mkdirSync(target, { recursive: true, mode: 0o700 }) !== undefined) directories.push(target)
  }
  for (const path of directories) syncDirectory(path)
  renameSync(unfinished, directory)
  syncDirectory(dirname(directory))
}
