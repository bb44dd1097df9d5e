export * from './event-binding.ts'
