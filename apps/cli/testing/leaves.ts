import {
  deadLetterOperations,
  deadLetterSchema,
  eventOperations,
  replaySchema,
  storedEventSchema,
} from '@soma/events/contract'
import { gate, gateOperations } from '@soma/governance/contract'
import { issuedKey } from '@soma/identity/contract'
import type { Schema } from '@soma/kernel'
import { fact, memoryContract, procedure, workingItem } from '@soma/memory/contract'
import { plan, plansOperations, task, tasksOperations } from '@soma/plans/contract'
import {
  agentOperations,
  discoveryOperations,
  eventOperations as definitionOperations,
  graphOperations,
  schemaOperations,
} from '@soma/registry/contract'
import { trackerContract } from '@soma/tracker/contract'

const {
  items: itemsOperations,
  procedures: procedureOperations,
  working: workingOperations,
} = memoryContract.operations

/** How a leaf of the command tree is run. */
export interface Leaf {
  /** The words of a success; `{…}` are made by the test. */
  readonly good: readonly string[]
  /** Exit code of the success. Default 0. */
  readonly goodCode?: number
  /** What one JSON document on stdout is. Absent: any JSON. */
  readonly schema?: Schema
  /** stdout is an object a line. */
  readonly isStream?: boolean
  readonly bad: readonly string[]
  readonly badCode?: number
}

/** Every leaf that answers and ends, but the servers themselves (see serve.test.ts). */
export const LEAVES: Readonly<Record<string, Leaf>> = {
  init: {
    good: ['init', 'my-agent', '--type', 'planner', '--folder', '{newFolder}'],
    bad: ['init', '--folder', '{schemaFolder}'],
  },
  new: { good: ['new', 'tool', 'my-tool', '--folder', '{newFolder}'], bad: ['new', 'tool', 'My Tool'] },
  status: { good: ['status'], bad: ['status', '--url', 'nowhere'] },
  doctor: { good: ['doctor', '--port', '{freePort}'], bad: ['doctor', '--port', '70000'] },
  version: { good: ['version'], bad: ['version', '--output', 'xml'] },
  'config show': { good: ['config', 'show'], bad: ['config', 'show', '--check'] },
  'config explain': { good: ['config', 'explain', 'server.port'], bad: ['config', 'explain', 'server.prt'] },
  'plans list': {
    good: ['plans', 'list', '--status', 'running'],
    schema: plansOperations.list.output,
    bad: ['plans', 'list', '--status', 'runing'],
  },
  'plans get': { good: ['plans', 'get', '{plan}'], schema: plan, bad: ['plan', 'get', '{absentPlan}'], badCode: 4 },
  'plans progress': {
    good: ['plans', 'progress', '{plan}'],
    schema: trackerContract.operations.plans.get.output.loose(),
    bad: ['plans', 'progress', '{absentPlan}'],
    badCode: 4,
  },
  'plans watch': {
    good: ['plans', 'watch', '{endedPlan}'],
    goodCode: 1,
    schema: storedEventSchema,
    isStream: true,
    bad: ['plans', 'watch', '{absentPlan}'],
    badCode: 4,
  },
  'plans start': {
    good: ['plans', 'start', '{draftPlan}', '--reason', 'ready'],
    schema: plan,
    bad: ['plans', 'start', '{endedPlan}'],
    badCode: 5,
  },
  'plans pause': {
    good: ['plans', 'pause', '{plan}', '--reason', 'a moment', '--mode', 'now'],
    schema: plan,
    bad: ['plans', 'pause', '{plan}', '--reason', 'a moment', '--mode', 'later'],
  },
  'plans resume': {
    good: ['plans', 'resume', '{pausedPlan}', '--reason', 'go on', '--input', 'answer: 42'],
    schema: plan,
    bad: ['plans', 'resume', '{plan}'],
  },
  'plans cancel': {
    good: ['plans', 'cancel', '{plan}', '--reason', 'done with it'],
    schema: plan,
    bad: ['plans', 'cancel', '{plan}'],
  },
  'tasks list': {
    good: ['tasks', 'list', '--status', 'pending', '--plan', '{plan}'],
    schema: tasksOperations.list.output,
    bad: ['tasks', 'list', '--status', 'open'],
  },
  'tasks show': { good: ['tasks', 'show', '{task}'], schema: task, bad: ['task', 'get', 'short'] },
  'tasks retry': {
    good: ['tasks', 'retry', '{task}', '--reason', 'once more'],
    schema: task,
    bad: ['tasks', 'retry', 'task_01h455vb4pex5vsknk084sn02q', '--reason', 'once more'],
    badCode: 4,
  },
  'tasks cancel': {
    good: ['tasks', 'cancel', '{task}', '--reason', 'not needed'],
    schema: task,
    bad: ['tasks', 'cancel', '{task}'],
  },
  'agents list': {
    good: ['agents', 'list', '--kind', 'tool', '--consumes', 'cli-echo.requested'],
    schema: agentOperations.list.output,
    bad: ['agents', 'list', '--status', 'gone'],
  },
  'agents show': {
    good: ['agents', 'show', 'cli-echo'],
    schema: agentOperations.get.output,
    bad: ['agent', 'show', 'absent'],
    badCode: 4,
  },
  'agents find': {
    good: ['agents', 'find', 'echo', 'a', 'text'],
    schema: discoveryOperations.search.output,
    bad: ['agents', 'find'],
  },
  'agents call': {
    good: ['agents', 'call', 'cli-echo', '--data', 'text: hello'],
    schema: storedEventSchema,
    bad: ['agents', 'call', 'cli-echo', 'cli-other.requested'],
  },
  'capabilities list': {
    good: ['capabilities', 'list', '--name', 'echoing'],
    schema: agentOperations.list.output,
    bad: ['capabilities', 'list', '--limit', '0'],
  },
  'capabilities find': {
    good: ['capabilities', 'find', 'echo'],
    schema: discoveryOperations.search.output,
    bad: ['capabilities', 'find', 'echo', '--limit', 'all'],
  },
  'gates list': {
    good: ['gates', 'list', '--mine'],
    schema: gateOperations.list.output,
    bad: ['gates', 'list', '--kind', 'none'],
  },
  'gates get': { good: ['gates', 'get', '{gate}'], schema: gate, bad: ['gates', 'get', 'short'] },
  'gates approve': {
    good: ['gates', 'approve', '{gate}', '--reason', 'read it', '--without', 'b.md'],
    schema: gate,
    bad: ['gates', 'approve', '{gate}', '--reason', 'read it', '--without', 'c.md'],
  },
  'gates reject': {
    good: ['gates', 'reject', '{gate}', '--reason', 'wrong'],
    schema: gate,
    bad: ['gates', 'reject', '{decidedGate}', '--reason', 'too late'],
    badCode: 5,
  },
  'gates revise': {
    good: ['gates', 'revise', '{gate}', '--reason', 'shorter', '--instructions', 'Make it shorter.'],
    schema: gate,
    bad: ['gates', 'revise', '{gate}'],
  },
  approve: {
    good: ['approve', '{gate}', '--reason', 'read it'],
    schema: gate,
    bad: ['approve', '{gate}'],
  },
  reject: { good: ['reject', '{gate}', '--reason', 'wrong'], schema: gate, bad: ['reject', '--yes'] },
  revise: { good: ['revise', '{gate}', '--reason', 'again'], schema: gate, bad: ['revise', '{gate}', '--reson', 'x'] },
  'memory remember': {
    good: ['memory', 'remember', 'The cli likes tea.', '--subject', 'cli', '--predicate', 'likes', '--tag', 'drinks'],
    schema: itemsOperations.remember.output,
    bad: ['memory', 'remember', 'The cli likes tea.', '--subject', 'cli'],
  },
  'memory recall': {
    good: ['memory', 'recall', 'who', 'likes', 'tee', '--kind', 'fact', '--limit', '3'],
    schema: itemsOperations.recall.output,
    bad: ['memory', 'recall', 'tea', '--limit', '51'],
  },
  'memory retrieve': {
    good: ['memory', 'retrieve', 'who', 'likes', 'tea', '--limit', '2', '--budget-tokens', '64'],
    schema: itemsOperations.retrieve.output,
    bad: ['memory', 'retrieve', 'tea', '--budget-tokens', '63'],
  },
  'memory context': {
    good: ['memory', 'context', 'tea', '--agent', 'cli', '--plan', '{plan}', '--budget-tokens', '500'],
    schema: memoryContract.operations.context.build.output,
    bad: ['memory', 'context', '--budget-tokens', '127'],
  },
  'memory list': {
    good: ['memory', 'list', '--kind', 'fact', '--plan', '{plan}'],
    schema: itemsOperations.list.output,
    bad: ['memory', 'list', '--kind', 'working'],
  },
  'memory show': {
    good: ['memory', 'show', '{fact}'],
    schema: fact,
    bad: ['memory', 'get', 'fact_01h455vb4pex5vsknk084sn02q'],
    badCode: 4,
  },
  'memory forget': {
    good: ['memory', 'forget', '{fact}', '--reason', 'wrong', '--yes'],
    schema: itemsOperations.forget.output,
    bad: ['memory', 'forget', '{fact}', '--source', 'web', '--yes'],
  },
  'memory procedures list': {
    good: ['memory', 'procedures', 'list', '--agent', 'cli', '--status', 'draft'],
    schema: procedureOperations.list.output,
    bad: ['memory', 'procedures', 'list', '--status', 'live'],
  },
  'memory procedures draft': {
    good: ['memory', 'procedures', 'draft', 'greet', 'Be kind.', '--agent', 'cli', '--trigger', 'a greeting'],
    schema: procedure,
    bad: ['memory', 'procedures', 'draft', 'greet', 'Be kind.', '--agent', 'cli'],
  },
  'memory procedures activate': {
    good: ['memory', 'procedures', 'activate', '{procedure}'],
    schema: procedure,
    bad: ['memory', 'procedures', 'activate', 'proc_01h455vb4pex5vsknk084sn02q'],
    badCode: 4,
  },
  'memory procedures retire': {
    good: ['memory', 'procedures', 'retire', '{procedure}'],
    schema: procedure,
    bad: ['memory', 'procedures', 'retire', 'proc_01h455vb4pex5vsknk084sn02q'],
    badCode: 4,
  },
  'memory procedures select': {
    good: ['memory', 'procedures', 'select', 'a', 'greeting', '--agent', 'cli'],
    schema: procedureOperations.select.output,
    bad: ['memory', 'procedures', 'select', 'a', 'greeting'],
  },
  'memory working list': {
    good: ['memory', 'working', 'list', '--prefix', 'cli'],
    schema: workingOperations.list.output,
    bad: ['memory', 'working', 'list', '--plan', 'short'],
  },
  'memory working get': {
    good: ['memory', 'working', 'get', '{key}'],
    schema: workingItem,
    bad: ['memory', 'working', 'get', 'absent'],
    badCode: 4,
  },
  'memory working put': {
    good: ['memory', 'working', 'put', 'cli-count', '{"count":1}', '--plan', '{plan}', '--if-version', '0'],
    schema: workingItem,
    bad: ['memory', 'working', 'put', '{key}', '2', '--if-version', '7'],
    badCode: 5,
  },
  'memory working delete': {
    good: ['memory', 'working', 'delete', '{key}'],
    schema: workingItem,
    bad: ['memory', 'working', 'delete', 'absent'],
    badCode: 4,
  },
  'events tail': {
    good: ['events', 'tail', '--since', '1h', '--count', '2'],
    schema: storedEventSchema,
    isStream: true,
    bad: ['events', 'tail', '--since', 'yesterday'],
  },
  'events publish': {
    good: ['events', 'publish', 'cli.tested', '--data', '{"count":1}'],
    schema: eventOperations.publish.output,
    bad: ['events', 'publish', 'cli.unheard', '--data', '{"count":1}'],
  },
  'events list': {
    good: ['events', 'list', '--type', 'cli.tested', '--since', '1h'],
    schema: eventOperations.list.output,
    bad: ['events', 'list', '--topic', 'no-such-topic'],
    badCode: 1,
  },
  'events get': {
    good: ['events', 'get', '{event}'],
    schema: storedEventSchema,
    bad: ['event', 'show', 'evt_absent'],
    badCode: 4,
  },
  'events replay': {
    good: ['events', 'replay', '--group', '{subscription}', '--note', 'again', '--yes'],
    schema: replaySchema,
    bad: ['events', 'replay', '--group', '{subscription}', '--rate', '0'],
  },
  'events types': {
    good: ['events', 'types', '--topic', 'business-facts', '--status', 'active'],
    schema: definitionOperations.list.output,
    bad: ['events', 'types', '--kind', 'wish'],
  },
  'events graph': {
    good: ['events', 'graph', '--type', 'cli.tested', '--depth', '3'],
    schema: graphOperations.get.output,
    bad: ['events', 'graph', '--depth', '6'],
  },
  'events validate': {
    good: ['events', 'validate', 'cli.tested', '--topic', 'business-facts', '--data', '5'],
    goodCode: 9,
    schema: eventOperations.validate.output,
    bad: ['events', 'validate', 'cli.tested', '--topic', 'business-facts', '--data', '{'],
  },
  'events register': {
    good: ['events', 'register', '{definition}'],
    schema: definitionOperations.create.output,
    bad: ['events', 'register', '{"type":"cli.registered"}'],
  },
  'schemas list': {
    good: ['schemas', 'list', '--status', 'active'],
    schema: schemaOperations.list.output,
    bad: ['schemas', 'list', '--status', 'old'],
  },
  'schemas get': {
    good: ['schemas', 'get', 'cli.tested', '1.0.0'],
    schema: schemaOperations.get.output,
    bad: ['schema', 'get', 'absent'],
    badCode: 4,
  },
  'schemas register': {
    good: ['schemas', 'register', 'cli.note', '1.0.0', '--schema', '{"type":"string"}'],
    schema: schemaOperations.create.output,
    bad: ['schemas', 'register', 'cli.tested', '1.1.0', '--schema', '{"type":"string"}'],
    badCode: 1,
  },
  'schemas check': {
    good: ['schemas', 'check', '{"type":"object","title":"Tested"}', '--name', 'cli.tested'],
    schema: schemaOperations.check.output,
    bad: ['schemas', 'check', '{"type":"string"}', '--old', '@/absent.json'],
  },
  'schemas diff': { good: ['schemas', 'diff', '{url}', '{url}'], bad: ['schemas', 'diff', '{url}', 'nowhere'] },
  'registry check': {
    good: ['registry', 'check', '{schemaFolder}', '--base', '{url}'],
    bad: ['registry', 'check', '{schemaFolder}', '--base', 'no-such-branch'],
  },
  'dead-letters list': {
    good: ['dead-letters', 'list'],
    schema: deadLetterOperations.list.output,
    bad: ['dead-letters', 'list', '--state', 'lost'],
  },
  'dead-letters replay': {
    good: ['dead-letters', 'replay', '--group', '{subscription}', '--note', 'mended', '--yes'],
    schema: deadLetterOperations.replayMany.output,
    bad: ['dead-letters', 'replay', '--note', 'mended'],
  },
  'dead-letters show': {
    good: ['dead-letters', 'show', '{deadLetter}'],
    schema: deadLetterSchema,
    bad: ['dead-letters', 'show', 'dlv_01h455vb4pex5vsknk084sn02q'],
    badCode: 4,
  },
  'dead-letters discard': {
    good: ['dead-letters', 'discard', '{deadLetter}', '--note', 'written off'],
    schema: deadLetterSchema,
    bad: ['dead-letters', 'discard', '{deadLetter}'],
  },
  'dead-letters purge': {
    good: ['dead-letters', 'purge', '--group', '{subscription}', '--note', 'last year', '--yes'],
    schema: deadLetterOperations.purge.output,
    bad: ['dead-letters', 'purge', '--note', 'all of them', '--yes'],
  },
  'keys create': {
    good: ['keys', 'create', '--name', 'agent', '--scopes', 'plan:read', '--expires-in-days', '1'],
    schema: issuedKey,
    bad: ['keys', 'create', '--name', 'agent', '--scopes', 'plan:fly'],
    badCode: 1,
  },
}

/** They run until they are stopped, do the whole job of the first run, or work while no server runs. */
export const SERVERS = ['serve', 'dev', 'start', 'demo', 'events migrate']
