export { type NatsBusOptions, openNatsBus } from './nats-bus.ts'
