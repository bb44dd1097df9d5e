export { createTokenCodec } from './token-codec.ts'
