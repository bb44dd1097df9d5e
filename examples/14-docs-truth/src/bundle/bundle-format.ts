import { createHash } from 'node:crypto'
import { refusal } from '../refusal.ts'
import { type Bundle, type BundleFile, type BundleManifest, linesOf, type SearchHit } from './bundle.ts'

/*
 * One line of JSON (the manifest), a line feed, then each different content once, in the order in which the manifest first names
 * it. Offsets follow from the sizes, so equal folders give equal bytes and the digest of the bytes is the name of the bundle.
 */

export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

/** Makes a bundle of a manifest and the contents by their sha256. */
export function createBundle(manifest: BundleManifest, contents: ReadonlyMap<string, Uint8Array>): Bundle {
  return decodeBundle(encode(manifest, contents))
}

/** Reads encoded bytes; with `expectedDigest` it raises `bundle-damaged` when the bytes are not those. */
export function decodeBundle(encoded: Uint8Array, expectedDigest?: string): Bundle {
  const digest = sha256(encoded)
  if (expectedDigest !== undefined && digest !== expectedDigest) {
    throw refusal('bundle-damaged', `The stored bundle ${expectedDigest} has the digest ${digest}.`)
  }
  const bytes = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength)
  const headerEnd = bytes.indexOf(10)
  const manifest = parseManifest(bytes.subarray(0, Math.max(headerEnd, 0)), digest)
  return bundleOver(digest, manifest, bytes, headerEnd + 1)
}

function bundleOver(digest: string, manifest: BundleManifest, bytes: Buffer, start: number): Bundle {
  const places = placesOf(manifest.files, start)
  const byPath = new Map(manifest.files.map((file) => [file.path, file]))
  const bundle: Bundle = {
    digest,
    manifest,
    list: (kind) => (kind === undefined ? manifest.files : manifest.files.filter((file) => file.kind === kind)),
    read: (path) => {
      const file = byPath.get(path)
      const place = file && places.get(file.sha256)
      return file && place !== undefined ? bytes.toString('utf8', place, place + file.bytes) : undefined
    },
    search: (text, options = {}) => searchLines(bundle, text, options),
    encode: () => bytes,
  }
  return bundle
}

function searchLines(
  bundle: Bundle,
  text: string,
  options: NonNullable<Parameters<Bundle['search']>[1]>,
): readonly SearchHit[] {
  const { kinds, limit = 50 } = options
  const hits: SearchHit[] = []
  for (const file of bundle.manifest.files) {
    if (kinds !== undefined && !kinds.includes(file.kind)) continue
    if (!bundle.read(file.path)?.includes(text)) continue
    for (const [index, quote] of linesOf(bundle, file.path).entries()) {
      if (hits.length >= limit) return hits
      if (quote.includes(text)) hits.push({ file: file.path, line: index + 1, quote })
    }
  }
  return hits
}

function placesOf(files: readonly BundleFile[], start: number): ReadonlyMap<string, number> {
  const places = new Map<string, number>()
  let next = start
  for (const file of files) {
    if (places.has(file.sha256)) continue
    places.set(file.sha256, next)
    next += file.bytes
  }
  return places
}

function encode(manifest: BundleManifest, contents: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from(`${JSON.stringify(manifest)}\n`)]
  const seen = new Set<string>()
  for (const file of manifest.files) {
    if (seen.has(file.sha256)) continue
    seen.add(file.sha256)
    parts.push(contents.get(file.sha256) ?? new Uint8Array())
  }
  return Buffer.concat(parts)
}

function parseManifest(header: Buffer, digest: string): BundleManifest {
  try {
    return JSON.parse(header.toString('utf8')) as BundleManifest
  } catch (error) {
    throw refusal('bundle-damaged', `The bundle ${digest} has no readable manifest: ${String(error)}`)
  }
}
