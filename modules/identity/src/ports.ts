import type { TokenCodec } from '@soma/kernel'
import type { SigningDialect } from '../contract/index.ts'

/** What identity needs from the world. */
export interface IdentityPorts {
  readonly tokenCodec: TokenCodec
  /** Sign the tokens of foreign dialects. */
  readonly dialectSigners: Readonly<Record<SigningDialect, Pick<TokenCodec, 'createKey' | 'sign'>>>
  /** `iss` of own access tokens: the public URL of the installation. Their `aud` is `soma`. */
  readonly issuer: string
  /** 32 bytes that seal private signing keys at rest; the same on every process of an installation. */
  readonly encryptionKey: Uint8Array
  /** Joins processes to the installation; absent = no other process may join. */
  readonly clusterSecret?: string | undefined
  /** True when the server listens beyond loopback in a developer mode because the operator insisted: then `Host` may be any name. */
  readonly allowInsecureListen?: boolean | undefined
  /** Keeps the code of the first admin where only the operator can read it (a file of mode 0600) and answers the place, which is logged. */
  readonly writeSetupCode?: ((code: string) => Promise<string>) | undefined
}

/** `aud` of access tokens. */
export const ACCESS_AUDIENCE = 'soma'
/** `typ` header of access tokens (RFC 9068). */
export const ACCESS_TYPE = 'at+jwt'
