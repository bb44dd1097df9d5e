import { TOPICS } from '@soma/kernel'
import { expect, it } from 'vitest'
import { allNames, namesOf } from './topic-names.ts'
import { refuseUnsafe, type TopicFacts, type TopicPromises } from './topics.ts'

const production: TopicPromises = { production: true, durability: 'power', maxEventBytes: 262_144 }
const safe: TopicFacts = {
  name: 'soma.memory',
  partitions: 16,
  replicas: 3,
  settings: {
    'cleanup.policy': 'delete',
    'retention.ms': '-1',
    'retention.bytes': '-1',
    'message.timestamp.type': 'LogAppendTime',
    'compression.type': 'uncompressed',
    'max.message.bytes': '1048588',
    'unclean.leader.election.enable': 'false',
    'min.insync.replicas': '2',
  },
}
const check =
  (facts: Partial<TopicFacts>, promises = production) =>
  () =>
    refuseUnsafe({ ...safe, ...facts }, 16, promises)
const having = (setting: string, value: string) => ({ settings: { ...safe.settings, [setting]: value } })

it('EVT-R61 a topic is called soma.<topic>, unless an installation has another prefix', () => {
  expect(allNames(namesOf({ partitions: 4 }))).toEqual(TOPICS.map((topic) => `soma.${topic}`))
  expect(allNames(namesOf({ prefix: 'other', partitions: 4 }))).toContain('other.memory')
})

it('a topic that keeps every promise is taken', () => {
  expect(check({})).not.toThrow()
  expect(check({ replicas: 5, ...having('min.insync.replicas', '3') })).not.toThrow()
})

it.each([
  ['min.insync.replicas', '1', 'set 2'],
  ['unclean.leader.election.enable', 'true', 'set false'],
  ['cleanup.policy', 'compact,delete', 'set delete'],
  ['retention.ms', '604800000', 'set -1'],
  ['retention.bytes', '1000', 'set -1'],
  ['message.timestamp.type', 'CreateTime', 'set LogAppendTime'],
  ['compression.type', 'producer', 'set uncompressed'],
  ['max.message.bytes', '1000', 'set 1048588'],
])('EVT-R61 in production a topic with %s=%s is refused by its name and the setting', (setting, value, remedy) => {
  expect(check(having(setting, value))).toThrow(`the Kafka topic soma.memory has ${setting}=${value}: ${remedy}`)
})

it('EVT-R61 in production two replicas are refused, elsewhere they are synced for durability power', () => {
  expect(check({ replicas: 2 })).toThrow('soma.memory has replication factor 2: in production it must be 3')
  const elsewhere = { ...production, production: false }
  expect(check({ replicas: 2 }, elsewhere)).toThrow('flush.messages')
  expect(check({ replicas: 2, ...having('flush.messages', '1') }, elsewhere)).not.toThrow()
  expect(check({ replicas: 1 }, { ...elsewhere, durability: 'process' })).not.toThrow()
})

it('another partition count and too small batches are refused by the setting of Soma', () => {
  expect(check({ partitions: 8 })).toThrow('has 8 partitions, events.partitions is 16')
  expect(check({}, { ...production, maxEventBytes: 1_048_576 })).toThrow('events.maxEventBytes is 1048576')
})
