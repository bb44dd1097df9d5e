import { onTopic } from '@soma/kernel'
import { expect, it } from 'vitest'
import { createHandlerIndex } from './handler-index.ts'

const nothing = async () => undefined

it('finds handlers by exact type, by noun and for all types of a topic, in declaration order', () => {
  const handlers = [
    onTopic('task-events', '*', nothing),
    onTopic('task-events', 'task.*', nothing),
    onTopic('task-events', 'task.completed', nothing),
    onTopic('plan-events', 'plan.completed', nothing),
  ]
  const index = createHandlerIndex(handlers)
  expect(index.topics).toEqual(['plan-events', 'task-events'])
  expect(index.matching('task-events', 'task.completed')).toEqual(handlers.slice(0, 3))
  expect(index.matching('task-events', 'task.step.done')).toEqual(handlers.slice(0, 2))
  expect(index.matching('task-events', 'tasks.done')).toEqual(handlers.slice(0, 1))
  expect(index.matching('plan-events', 'plan.started')).toEqual([])
  expect(index.matching('task-events', 'task.completed')).toEqual(handlers.slice(0, 3))
})
