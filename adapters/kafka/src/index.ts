export { type KafkaBusOptions, openKafkaBus } from './kafka-bus.ts'
export type { SaslOptions } from './wire/sasl.ts'
