export { type Emitter, type EmitterOptions, type EmitMode, createEmitter } from './emitter.ts'

/** Folder of the spine's SQL files; they run first. */
export const spineMigrations = new URL('../../migrations/', import.meta.url)
