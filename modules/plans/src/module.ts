import { type Delivered, defineModule, on, onTopic } from '@soma/kernel'
import { gateDecided } from '@soma/governance/contract'
import { plansContract } from '../contract/index.ts'
import { takeDeadLetter, takeGateDecision } from './mail/take-letter.ts'
import { createPlanControl } from './plans/control.ts'
import { createPlanCreator } from './plans/create.ts'
import { createPlannerService } from './plans/planner.ts'
import { createPlanReads } from './plans/reads.ts'
import { isReply, takeReply } from './replies-in.ts'
import { createTaskChanger } from './tasks/change-task.ts'
import { createTaskCommands } from './tasks/commands.ts'
import { createTaskContexts } from './tasks/context.ts'
import { createTaskCreator } from './tasks/create.ts'
import { createDelegations } from './tasks/delegations.ts'
import { createTaskReads } from './tasks/reads.ts'
import { createTaskWork } from './tasks/work.ts'
import { createSweep } from './timers/sweep.ts'
import { createPlanChanger } from './transition/change.ts'

export { verifyJournal } from './journal/chain.ts'

export const plansModule = defineModule({
  contract: plansContract,
  uses: {},
  migrations: new URL('../migrations/', import.meta.url),
  create: ({ database, settings, log, metrics }) => {
    const { changePlan, changePlanOf } = createPlanChanger({ database, metrics })
    const changeTask = createTaskChanger({ changePlanOf })
    const createPlan = createPlanCreator({ database, maxOpenPlans: settings.maxOpenPlans })
    const control = createPlanControl({ changePlan })
    const planner = createPlannerService({ changePlan })
    const planReads = createPlanReads({ database })
    const defaults = { maxTries: settings.maxTries, tryTimeoutMs: settings.tryTimeoutMs }
    const createTask = createTaskCreator({ database, changePlan, changeTask, defaults })
    const delegations = createDelegations({ changePlan, changeTask, defaults })
    const commands = createTaskCommands({ changeTask })
    const work = createTaskWork({ changeTask, deliveryCap: settings.deliveryCap })
    const contexts = createTaskContexts({ database, changePlan, changeTask })
    const taskReads = createTaskReads({ database })
    const sweep = createSweep({ database, log, metrics })
    return {
      operations: {
        plans: {
          create: (context, call) => createPlan(context, call.body, call.newId),
          get: (context, call) => planReads.get(context, call.params.planId),
          list: (context, call) => planReads.list(context, call.query),
          counts: (context) => planReads.counts(context),
          byCorrelation: (context, call) => planReads.byCorrelation(context, call.params.correlationId),
          journal: (context, call) => planReads.journal(context, call.params.planId, call.query),
          start: (context, call) => control.start(context, call.params.planId, call.body.reason),
          pause: (context, call) => control.pause(context, call.params.planId, call.body),
          resume: (context, call) => control.resume(context, call.params.planId, call.body),
          cancel: async (context, call) => {
            const plan = await control.cancel(context, call.params.planId, call.body.reason)
            if (plan.status === 'stopping') await sweep(call.signal)
            return plan
          },
          transition: (context, call) => planner.transition(context, call.params.planId, call.body),
          finish: (context, call) => planner.finish(context, call.params.planId, call.body),
          putState: (context, call) => planner.putState(context, call.params.planId, call.body, call.ifMatch),
          delegate: (context, call) =>
            delegations.ofPlan(context, call.params.planId, { body: call.body, newId: call.newId }),
        },
        tasks: {
          create: (context, call) => createTask(context, call.body, call.newId),
          get: (context, call) => taskReads.get(context, call.params.taskId),
          list: (context, call) => taskReads.list(context, call.query),
          start: (context, call) => work.start(context, call.params.taskId, call.body),
          complete: (context, call) => work.complete(context, call.params.taskId, call.body),
          fail: (context, call) => work.fail(context, call.params.taskId, call.body),
          progress: (context, call) => work.progress(context, call.params.taskId, call.body),
          heartbeat: (context, call) => work.heartbeat(context, call.params.taskId, call.body),
          wait: (context, call) => work.wait(context, call.params.taskId, call.body),
          getContext: (context, call) => contexts.get(context, call.params.taskId),
          putContext: (context, call) =>
            contexts.put(context, call.params.taskId, { body: call.body, version: call.ifMatch }),
          deleteContext: (context, call) => contexts.delete(context, call.params.taskId),
          delegate: (context, call) =>
            delegations.ofTask(context, call.params.taskId, { body: call.body, newId: call.newId }),
          cancel: (context, call) => commands.cancel(context, call.params.taskId, call.body.reason),
          retry: (context, call) => commands.retry(context, call.params.taskId, call.body.reason),
        },
        groups: {
          get: (context, call) => taskReads.group(context, call.params.groupId, { taskId: call.params.taskId }),
          ofPlan: (context, call) => taskReads.group(context, call.params.groupId, { planId: call.params.planId }),
        },
      },
      handlers: [
        onTopic('action-results', '*', takeReply, isReply),
        onTopic('business-facts', '*', takeReply, isReply),
        on(gateDecided, takeGateDecision),
        onTopic('dead-letter', 'delivery.dead-lettered', (delivered) =>
          takeDeadLetter(delivered as Delivered<Parameters<typeof takeDeadLetter>[0]['data']>),
        ),
      ],
      jobs: [
        {
          name: 'sweep',
          everyMs: settings.sweepMs,
          run: async (signal) => {
            await sweep(signal)
          },
        },
      ],
    }
  },
})
