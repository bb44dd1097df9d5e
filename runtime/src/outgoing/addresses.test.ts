import { networkInterfaces } from 'node:os'
import { expect, it } from 'vitest'
import { createAddressCheck } from './addresses.ts'

const check = createAddressCheck([])

it.each([
  ['loopback', ['127.0.0.1', '127.255.0.9', '::1']],
  ['private', ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fd00::1', 'fc12::9', 'fec0::1']],
  ['link-local and metadata', ['169.254.169.254', '169.254.0.1', 'fe80::1', 'fd00:ec2::254', '168.63.129.16']],
  ['carrier-grade NAT', ['100.64.0.1', '100.100.100.200']],
  ['unspecified, multicast and broadcast', ['0.0.0.0', '::', '224.0.0.1', '255.255.255.255', 'ff02::1']],
  ['reserved and documentation', ['192.0.2.1', '198.51.100.7', '203.0.113.9', '198.18.0.1', '240.0.0.1']],
  ['IPv6 reserved and documentation', ['2001:db8::1', '3fff::1', '4000::1', '100::1', '2001:2::1']],
  [
    'IPv4 in IPv6: mapped, NAT64',
    ['::ffff:10.0.0.1', '::ffff:a9fe:a9fe', '64:ff9b::7f00:1', '0:0:0:0:0:ffff:127.0.0.1'],
  ],
  ['IPv4 in IPv6: 6to4, Teredo, compatible', ['2002:7f00:1::', '2001::abcd', '::127.0.0.1', '64:ff9b:1::a00:1']],
  ['what is no address', ['fe80::1%eth0', 'localhost', '', '1.2.3']],
])('refuses %s', (_kind, addresses) => {
  for (const address of addresses) expect([address, check(address)]).toEqual([address, expect.any(String)])
})

it.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::808:808'])(
  'lets %s be called',
  (address) => expect(check(address)).toBeUndefined(),
)

it('refuses the addresses of this host, whatever they are', () => {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? [])
  expect(own.length).toBeGreaterThan(0)
  for (const address of own) expect(check(address)).toBeDefined()
})

it('lets what an operator allows be called, in every notation, and nothing beside it', () => {
  const allowing = createAddressCheck(['10.1.0.0/16', 'fd00:1::/32'])
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', 'fd00:1::9']) expect(allowing(address)).toBeUndefined()
  for (const address of ['10.2.0.1', 'fd00:2::9']) expect(allowing(address)).toBeDefined()
  expect(() => createAddressCheck(['10.1.0.0'])).toThrow('"10.1.0.0" is no range')
})
