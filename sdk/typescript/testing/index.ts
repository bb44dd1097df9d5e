export { type CrashPoint, createTestPlatform, type TestPlatform } from './test-platform.ts'
