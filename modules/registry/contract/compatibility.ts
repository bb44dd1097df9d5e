export * from './compatibility/changes.ts'
export * from './compatibility/compare-catalogues.ts'
export { compareSchemas } from './compatibility/compare-schemas.ts'
export * from './compatibility/version-demand.ts'
