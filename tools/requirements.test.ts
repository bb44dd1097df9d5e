import { afterEach, beforeEach, expect, it } from 'vitest'
import { checkRequirements, definedIds, formatReport, provenIds, readRequirements } from './requirements.ts'
import { createTemporaryTree, type TemporaryTree } from './temporary-tree.ts'

const PAGE =
  '# Sample\n\n- **AAA-R1** First.\n- **AAA-R2** Second, see AAA-R1.\n- **AAA-R10** Tenth.\n- **AAA-A1** *Scenario.* Given …\n'

/** A test call, put together so that this file's own text holds no title that names a rule. */
const titled = (title: string, call = 'it') => `${call}('${title}', () => {})\n`

let tree: TemporaryTree
beforeEach(() => {
  tree = createTemporaryTree({ 'docs/spec/sample.md': PAGE, 'docs/spec/proven.json': '["AAA-R1"]\n' })
})
afterEach(() => tree.remove())

const rulesBroken = () =>
  checkRequirements(readRequirements(tree.root)).map(({ rule, message }) => `${rule}: ${message}`)

it('reads the rules that a page defines, not those that it mentions', () => {
  expect(definedIds(PAGE)).toEqual(['AAA-R1', 'AAA-R2', 'AAA-R10', 'AAA-A1'])
})

it('counts a rule as proven when a title of a test names it, beside others', () => {
  tree.write({
    'kernel/src/x.test.ts': titled('AAA-R10 AAA-R1 holds'),
    'kernel/src/y.servers.test.ts': titled('AAA-A1 holds'),
  })
  expect(provenIds(readRequirements(tree.root))).toEqual(['AAA-A1', 'AAA-R1', 'AAA-R10'])
  expect(formatReport(readRequirements(tree.root), true)).toContain('kernel/src/y.servers.test.ts')
  expect(rulesBroken()).toEqual([])
})

it('refuses a proven rule whose test is gone, skipped tests being no tests', () => {
  tree.write({ 'kernel/src/x.test.ts': titled('AAA-R1 holds', 'it.skip') })
  expect(rulesBroken()).toEqual(['requirements-ratchet: AAA-R1 was proven and no test names it any more'])
})

it('refuses a title that names a rule of no page', () => {
  tree.write({ 'kernel/src/x.test.ts': titled('AAA-R1 AAA-R77 holds') })
  expect(rulesBroken()).toEqual(['requirements-unknown: a title names AAA-R77, which no page of docs/spec defines'])
})

it('refuses a rule that is defined twice', () => {
  tree.write({ 'docs/spec/other.md': '- **AAA-R1** Again.\n', 'kernel/src/x.test.ts': titled('AAA-R1 holds') })
  expect(rulesBroken()).toEqual(['requirements-double: AAA-R1 is defined twice'])
})

it('counts the titles of a shared suite only when a test imports the suite', () => {
  tree.write({
    'kernel/package.json': '{ "name": "@soma/kernel" }',
    'kernel/testing/suite.ts': titled('AAA-R2 holds on every adapter'),
    'adapters/sample/src/sample.test.ts': titled('AAA-R1 holds'),
  })
  expect(provenIds(readRequirements(tree.root))).toEqual(['AAA-R1'])
  tree.write({
    'adapters/sample/src/sample.test.ts': `import { suite } from '@soma/kernel/testing'\n${titled('AAA-R1 holds')}`,
  })
  expect(provenIds(readRequirements(tree.root))).toEqual(['AAA-R1', 'AAA-R2'])
})
