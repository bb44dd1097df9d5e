export interface SigningKey {
  readonly kid: string
  /** Public JWK. */
  readonly publicJwk: Readonly<Record<string, unknown>>
  /** Private JWK, never logged, never sent. */
  readonly privateJwk: Readonly<Record<string, unknown>>
}

export interface TokenExpectation {
  readonly issuer: string
  readonly audience: string
  /** The `typ` header: `at+jwt` for access tokens, `soma-ctx+jwt` for context tokens. */
  readonly type: string
  readonly clockToleranceMs: number
}

/** JWTs signed with EdDSA (Ed25519). The verifier takes the algorithm from its key, never from the header. */
export interface TokenCodec {
  createKey(): Promise<SigningKey>
  sign(claims: Readonly<Record<string, unknown>>, key: SigningKey, type: string): Promise<string>
  /**
   * Answers the claims, or undefined for anything that is not a valid token of these keys (wrong algorithm, unknown `kid`, `jwk`/`jku`/`x5u`/`crit` headers,
   * expired, wrong issuer or audience, missing `exp iat jti sub`, > 8 KiB).
   */
  verify(
    token: string,
    keys: readonly Readonly<Record<string, unknown>>[],
    expect: TokenExpectation,
  ): Promise<Record<string, unknown> | undefined>
  /** The `kid` of a token without verifying it. */
  keyIdOf(token: string): string | undefined
}
