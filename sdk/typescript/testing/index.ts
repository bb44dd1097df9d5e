export { recordedModel, type RecordedModelOptions } from './recorded-model.ts'
export { type CrashPoint, createTestPlatform, type TestPlatform } from './test-platform.ts'
