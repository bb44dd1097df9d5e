/** Of the sparse vectors that hold term weights: `sparsevec(1048576)`. */
const DIMENSIONS = 2 ** 20

/** The place of a term in sparse vectors: 1 … 2^20. Never changes: stored weights depend on it. */
export const dimensionOf = (term: string): number => (murmur3(new TextEncoder().encode(term)) % DIMENSIONS) + 1

/** MurmurHash3_x86_32 with seed 0, after the public domain code of Austin Appleby (github.com/aappleby/smhasher). */
function murmur3(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const whole = bytes.length & ~3
  let hash = 0
  for (let at = 0; at < whole; at += 4) {
    hash ^= scramble(view.getUint32(at, true))
    hash = Math.imul(rotate(hash, 13), 5) + 0xe654_6b64
  }
  let tail = 0
  for (let at = bytes.length - 1; at >= whole; at--) tail = (tail << 8) | (bytes[at] as number)
  hash ^= scramble(tail) ^ bytes.length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

const scramble = (block: number): number => Math.imul(rotate(Math.imul(block, 0xcc9e_2d51), 15), 0x1b87_3593)

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits))
