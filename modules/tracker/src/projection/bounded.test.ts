import { describe, expect, it } from 'vitest'
import { aFact } from '../../testing/facts.ts'
import { type AgentDoc, applyAgentFact, takenBy, UNKNOWN_AGENT } from './agents.ts'
import { type Ends, noteEnd } from './rank.ts'

describe('rows keep one size', () => {
  it('of generations the last hundred ends are kept, whatever their order', () => {
    const generations = Array.from({ length: 500 }, (_item, index) => index + 1)
    const fold = (order: readonly number[]): Ends =>
      order.reduce<Ends>((ends, generation) => noteEnd(ends, { generation, version: generation, ended: true }), {})
    const kept = fold(generations)
    expect(Object.keys(kept)).toHaveLength(100)
    expect(kept).toMatchObject({ 401: 401, 500: 500 })
    expect(fold(generations.toReversed())).toEqual(kept)
    expect(noteEnd(kept, { generation: 450, version: 7, ended: true })[450]).toBe(7)
  })

  it('of an agent the versions that live and the newest others, and the newest of what it once took', () => {
    let doc: AgentDoc = UNKNOWN_AGENT
    const tell = (version: number) => {
      const fact = {
        ...{
          agentId: 'reg_1',
          name: 'busy',
          agentVersion: `1.${version}.0`,
          instanceId: version === 0 ? 'old' : 'new',
        },
        consumes: Array.from({ length: 10 }, (_item, index) => ({
          ...{ topic: 'action-requests', type: `work-${version}-${index}.requested` },
        })),
      }
      doc = applyAgentFact(doc, fact, aFact('agent.updated', fact, new Date(version * 1000).toISOString()))
    }
    for (let version = 0; version < 300; version++) tell(version)
    const versions = Object.keys(doc.versions)
    expect(versions).toHaveLength(52)
    expect(versions).toEqual(expect.arrayContaining(['1.0.0', '1.299.0', '1.298.0']))
    expect(versions).not.toContain('1.200.0')
    expect(takenBy(doc)).toContain('work-0-3.requested')
    expect(Object.keys(doc.lastTaken)).toHaveLength(500)
    expect(doc.lastTaken).toHaveProperty('work-298-0.requested')
  })
})
