import { createRs256Signer, createTokenCodec } from '@soma/adapter-jose'
import type { IdentityPorts } from '../src/ports.ts'

/** The encryption key of tests: no secret. */
export const KEY_OF_TESTS = new Uint8Array(32).fill(7)

/** Ports with the real token codec; the setup code goes where the caller says. */
export function identityPorts(changes: Partial<IdentityPorts> = {}): IdentityPorts {
  return {
    tokenCodec: createTokenCodec(),
    dialectSigners: { soorma: createRs256Signer('soorma') },
    issuer: 'https://soma.test',
    encryptionKey: KEY_OF_TESTS,
    clusterSecret: 'cluster secret of tests',
    ...changes,
  }
}
