import { problem } from '@soma/kernel'

/** Problems that the SDK itself raises or sends in failed replies. */
export const sdkProblems = {
  taskUnfinished: problem({
    code: 'task-unfinished',
    status: 500,
    title: 'The handler returned without an end',
    remedy: 'Let the handler complete, fail, delegate or ask.',
    retryable: false,
  }),
  taskEnded: problem({
    code: 'task-ended',
    status: 409,
    title: 'The task was already ended in this handler',
    remedy: 'End a task once.',
    retryable: false,
  }),
  unanswered: problem({
    code: 'unanswered',
    status: 409,
    title: 'A question got no answer',
    remedy: 'Ask again under another key, or end the task without the answer.',
    retryable: false,
  }),
  dataMismatch: problem({
    code: 'data-mismatch',
    status: 422,
    title: 'The data does not fit the event',
    remedy: 'Correct the fields listed in errors.',
    retryable: false,
  }),
  noResponseType: problem({
    code: 'no-response-type',
    status: 422,
    title: 'The handled event asks for no reply',
    remedy: 'Publish an event instead, or let the requester name a response type.',
    retryable: false,
  }),
  handlerFailed: problem({
    code: 'handler-failed',
    status: 500,
    title: 'The handler threw',
    remedy: 'Read the log of the agent; the delivery is tried again.',
    retryable: true,
  }),
  templateUnresolved: problem({
    code: 'template-unresolved',
    status: 422,
    title: 'A template found nothing',
    remedy: 'Make sure that the path in the detail has a value before the state is entered.',
    retryable: false,
  }),
  machineInvalid: problem({
    code: 'state-machine-invalid',
    status: 422,
    title: 'The state machine does not hold',
    remedy: 'Correct the states and fields listed in errors.',
    retryable: false,
  }),
  selectionFailed: problem({
    code: 'selection-failed',
    status: 422,
    title: 'No event could be chosen',
    remedy: 'Start an agent that can serve it, or say more exactly what is wanted.',
    retryable: false,
  }),
  registrationFailed: problem({
    code: 'registration-failed',
    status: 503,
    title: 'The agent could not be registered',
    remedy: 'Look at the cause; the name may belong to another principal.',
    retryable: true,
  }),
} as const
