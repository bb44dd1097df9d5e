import type { SigningKey, TokenCodec } from '@soma/kernel'
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'

const MODULUS_BITS = 2048

/**
 * Signs JWTs of a foreign dialect with RS256 (RSA 2048), for clients that read nothing else. Key ids are `<dialect>-<time of making>`.
 * `clock` defaults to the time of this host.
 */
export function createRs256Signer(
  dialect: string,
  clock: { now(): Date } = { now: () => new Date() },
): Pick<TokenCodec, 'createKey' | 'sign'> {
  return {
    createKey: async (): Promise<SigningKey> => {
      const { publicKey, privateKey } = await generateKeyPair('RS256', {
        modulusLength: MODULUS_BITS,
        extractable: true,
      })
      const kid = `${dialect}-${clock.now().toISOString().replaceAll(/[-:.]/g, '')}`
      const attributes = { kid, alg: 'RS256', use: 'sig' }
      return {
        kid,
        publicJwk: { ...(await exportJWK(publicKey)), ...attributes },
        privateJwk: { ...(await exportJWK(privateKey)), ...attributes },
      }
    },
    sign: async (claims, key, type) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'RS256', typ: type, kid: key.kid })
        .sign(await importJWK(key.privateJwk as JWK, 'RS256')),
  }
}
