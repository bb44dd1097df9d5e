import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

/** IPv4 that is not for everybody, by the IANA registry of special-purpose addresses; 168.63.129.16 answers as metadata server in one cloud. */
const SPECIAL_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]
/** The only IPv6 that is given out to everybody, and in it what is special: Teredo and its neighbours, documentation, 6to4. */
const GLOBAL_V6 = ['2000::/3']
const SPECIAL_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

/** Ranges that loopback is. */
export const LOOPBACK_RANGES = ['127.0.0.0/8', '::1/128']

/** Says why the server may not connect to an address; undefined = it may. */
export type AddressCheck = (address: string) => string | undefined

/** @throws Error for a text in `allowedRanges` that is no range */
export function createAddressCheck(allowedRanges: readonly string[]): AddressCheck {
  const allowed = listOf(allowedRanges)
  const special = listOf([...SPECIAL_V4, ...SPECIAL_V6])
  const global = listOf(GLOBAL_V6)
  const check: AddressCheck = (address) => {
    const family = isIP(address)
    if (family === 0 || address.includes('%')) return `${address} is no address that can be checked`
    if (family === 6) {
      const inside = embeddedIn(address)
      if (inside !== undefined) return check(inside)
    }
    const type = family === 6 ? 'ipv6' : 'ipv4'
    if (allowed.check(address, type)) return undefined
    if (special.check(address, type) || (family === 6 && !global.check(address, type)))
      return `${address} is in a range that is not open to everybody`
    return isOwn(address) ? `${address} is an address of this server` : undefined
  }
  return check
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', prefix = ''] = range.split('/')
    const family = isIP(address)
    if (family === 0 || !/^\d{1,3}$/.test(prefix)) throw new Error(`"${range}" is no range such as 10.1.0.0/16`)
    list.addSubnet(address, Number(prefix), family === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}

const isOwn = (address: string): boolean =>
  Object.values(networkInterfaces()).some((addresses) => addresses?.some((own) => own.address === address))

/** The IPv4 address that an IPv6 address leads to: mapped (::ffff:a.b.c.d), or by NAT64 (64:ff9b::a.b.c.d). */
function embeddedIn(address: string): string | undefined {
  const words = wordsOf(address)
  const front = words.slice(0, 6).join()
  if (front !== '0,0,0,0,0,65535' && front !== '100,65435,0,0,0,0') return undefined
  return words
    .slice(6)
    .flatMap((word) => [word >> 8, word & 255])
    .join('.')
}

/** Its eight 16-bit words. */
function wordsOf(address: string): number[] {
  const [left, right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::') as [string, string?]
  const read = (text = '') => (text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16)))
  const [front, back] = [read(left), read(right)]
  return [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back]
}
