import { chaosSuite } from './chaos-suite.ts'

await chaosSuite('kafka')
