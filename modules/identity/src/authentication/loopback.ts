/** True for an address of this machine, IPv4 in IPv6 included. */
export const isLoopbackAddress = (address: string): boolean => {
  const bare = address.replace(/^::ffff:/i, '')
  return bare === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(bare)
}

/** True for a `Host` value that can only mean this machine. A name that resolves to 127.0.0.1 is none: that is how a web page would come in. */
export function isLoopbackHost(host: string): boolean {
  const name = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(host)?.[1] ?? /^([^:]*)(?::\d{1,5})?$/.exec(host)?.[1]
  if (name === undefined) return false
  const lower = name.toLowerCase()
  return lower === 'localhost' || lower.endsWith('.localhost') || isLoopbackAddress(lower)
}

/** True for a browser's `Origin` on this machine. `null` (a file, a sandboxed frame) is none. */
export function isLoopbackOrigin(origin: string): boolean {
  const match = /^https?:\/\/([^/]+)$/.exec(origin)
  return match !== null && isLoopbackHost(match[1] as string)
}
