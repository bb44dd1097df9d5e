/** Random bytes are drawn 4 KiB at a time: one draw costs as much as a whole request's parsing, and an event needs 40 bytes of ids and trace. */
const pool = new Uint8Array(4096)
let next = pool.length

/** Bytes of the platform's cryptographic generator. No byte is given twice. */
export function randomBytes(length: number): Uint8Array {
  if (next + length > pool.length) {
    crypto.getRandomValues(pool)
    next = 0
  }
  next += length
  return pool.slice(next - length, next)
}
