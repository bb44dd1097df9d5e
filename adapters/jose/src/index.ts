export { createRs256Signer } from './rs256-signer.ts'
export { createTokenCodec } from './token-codec.ts'
