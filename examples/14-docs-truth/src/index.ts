export * from './agents/agents.ts'
export * from './engine.ts'
