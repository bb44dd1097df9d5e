import { openGate } from '@soma/governance/contract'
import picocolors from 'picocolors'
import { expect, it } from 'vitest'
import { UsageError } from '../failure.ts'
import { filesWithout } from './decide-gate.ts'
import { gateText } from './gate-text.ts'

const payload = { into: 'report', files: [{ name: 'a.md', bytes: 1 }, { name: 'b.md', bytes: 2 }, { path: 'c.md' }] }
const opened = openGate.parse({
  kind: 'review',
  title: 'Write \u001b[2Jfiles',
  payload,
  requirements: [{ deciders: [{ role: 'Operator' }], quorum: 2, humans: 1 }],
  evidence: [{ label: 'report', text: 'one\ntwo', untrusted: true }],
})
const gate = {
  ...opened,
  gateId: 'gate_01h455vb4pex5vsknk084sn02q',
  status: 'open' as const,
  outcome: null,
  payloadHash: `sha256:${'0'.repeat(64)}`,
  edited: false,
  editSchema: null,
  requesterId: 'agt_writer',
  round: 1,
  instructions: null,
  openedAt: '2026-01-31T12:00:00Z',
  dueAt: '2026-02-01T12:00:00Z',
  timeLeftMs: 7_200_000,
  escalated: 0,
  decidedAt: null,
  decidedBy: [],
  votes: [],
  comments: [],
}

it('shows what would happen, who asks, who must decide, how long there is and whose words the evidence is', () => {
  const text = gateText(gate, picocolors.createColors(false))
  expect(text).toContain('open, 2h left')
  expect(text).toContain('asked by agt_writer')
  expect(text).toContain('2 of Operator, 1 a person')
  expect(text).toContain('report (an agent’s own words)\n    one\n    two')
  expect(text).toContain('payload\n  a.md\n  b.md\n  c.md\n  {\n    "into": "report"\n  }')
  expect(text).toContain(gate.payloadHash)
})

it('lets no control character of the gate through', () => {
  expect(gateText(gate, picocolors.createColors(false))).not.toContain('\u001b')
})

it('cuts long evidence and says so', () => {
  const long = { ...gate, evidence: [{ label: 'log', text: 'line\n'.repeat(100), untrusted: false }] }
  expect(gateText(long, picocolors.createColors(false))).toContain('more lines: --json shows all')
})

it('leaves files out by name or path and keeps the others as they are', () => {
  expect(filesWithout({ payload }, ['b.md', 'c.md'])).toEqual([{ name: 'a.md', bytes: 1 }])
})

it('refuses a file that the payload does not have, and names those it has', () => {
  expect(() => filesWithout({ payload }, ['d.md'])).toThrow(
    new UsageError('the gate has no file "d.md": its files are a.md, b.md, c.md'),
  )
  expect(() => filesWithout({ payload: { x: 1 } }, ['a.md'])).toThrow('its payload has no list of files')
})
