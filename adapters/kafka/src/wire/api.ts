import type { Decoder } from './decoder.ts'
import type { Encoder } from './encoder.ts'

/**
 * One call of the Kafka protocol in one version. Where a newer version brings nothing that is used here, the last one before the flexible encoding is taken, so
 * that brokers from 3.1 to 4.x speak all of them.
 */
export interface Api<Request, Response> {
  readonly name: string
  readonly key: number
  readonly version: number
  /** Headers of flexible versions have tags. */
  readonly isFlexible: boolean
  readonly encode: (to: Encoder, request: Request) => unknown
  readonly decode: (from: Decoder) => Response
}
