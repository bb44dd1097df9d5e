import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { refusal } from '../refusal.ts'
import type { Bundle } from './bundle.ts'
import { decodeBundle } from './bundle-format.ts'

const fileOf = (directory: string, digest: string): string => {
  if (!/^[0-9a-f]{64}$/.test(digest)) throw refusal('bundle-missing', `"${digest}" is not a bundle digest.`)
  return join(directory, `${digest}.bundle`)
}

/** Stores the bundle under its digest, whole or not at all; an equal one that is already there is left alone. */
export function writeBundle(directory: string, bundle: Bundle): { readonly digest: string; readonly file: string } {
  const file = fileOf(directory, bundle.digest)
  const bytes = bundle.encode()
  if (!existsSync(file) || statSync(file).size !== bytes.byteLength) writeWhole(directory, file, bytes)
  return { digest: bundle.digest, file }
}

/** Reads a stored bundle back. Raises `bundle-missing` when there is none and `bundle-damaged` when its bytes changed. */
export function openBundle(directory: string, digest: string): Bundle {
  const file = fileOf(directory, digest)
  if (!existsSync(file)) throw refusal('bundle-missing', `No bundle ${digest} in ${directory}.`)
  return decodeBundle(readFileSync(file), digest)
}

/** A reader that keeps the last opened bundles in memory, for workers that open the same one for every task. */
export function createBundleReader(directory: string, maxOpen = 2): (digest: string) => Bundle {
  const open = new Map<string, Bundle>()
  return (digest) => {
    const bundle = open.get(digest) ?? openBundle(directory, digest)
    open.delete(digest)
    open.set(digest, bundle)
    for (const oldest of open.keys()) if (open.size > maxOpen) open.delete(oldest)
    return bundle
  }
}

function writeWhole(directory: string, file: string, bytes: Uint8Array): void {
  mkdirSync(directory, { recursive: true })
  const temporary = `${file}.${process.pid}.tmp`
  const descriptor = openSync(temporary, 'w', 0o600)
  try {
    for (let done = 0; done < bytes.byteLength; ) done += writeSync(descriptor, bytes, done)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  renameSync(temporary, file)
}
