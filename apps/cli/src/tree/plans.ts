import { type Command, Option } from 'commander'
import { integer } from '../parse-flags.ts'
import { lazily } from './lazily.ts'
import { withPage } from './page-options.ts'

const STATUSES = ['draft', 'pending', 'running', 'waiting', 'paused', 'stopping', 'completed', 'failed', 'cancelled']
const MODES = ['drain', 'now']
const PLAN = 'the plan: its id, or at least the last 6 characters of it'

export function addPlanCommands(program: Command): void {
  const plans = program.command('plans').alias('plan').description('what is being done, and how far it is')
  withPage(
    plans
      .command('list')
      .description('list plans, newest first')
      .addOption(new Option('--status <status>', 'only plans in this status').choices(STATUSES))
      .option('--search <text>', 'only plans whose title has this text'),
  ).action(lazily(async () => (await import('../commands/plans.ts')).listPlans))
  plans
    .command('get')
    .alias('show')
    .description('show one plan')
    .argument('<plan>', PLAN)
    .action(lazily(async () => (await import('../commands/plans.ts')).getPlan))
  plans
    .command('progress')
    .description('how far a plan is, when it will be done and what it waits for')
    .argument('<plan>', PLAN)
    .action(lazily(async () => (await import('../commands/plan-progress.ts')).showProgress))
  plans
    .command('watch')
    .description('follow a plan until it ends; the exit code is 0 when it completed, else 1')
    .argument('<plan>', PLAN)
    .addOption(
      new Option('--reconnect <ms>', 'how long a lost server is waited for, 0–600000 ms; default 60000').argParser(
        integer(0, 600_000),
      ),
    )
    .action(lazily(async () => (await import('../commands/watch-plan.ts')).watchPlan))
  plans
    .command('start')
    .description('start a plan that was made as a draft')
    .argument('<plan>', PLAN)
    .option('--reason <text>', 'why, 1–500 characters; it is recorded')
    .action(lazily(async () => (await import('../commands/control-plan.ts')).startPlan))
  plans
    .command('pause')
    .description('pause a plan: nothing new starts, results and timers are kept and act on resume')
    .argument('<plan>', PLAN)
    .requiredOption('--reason <text>', 'why, 1–500 characters; it is recorded')
    .addOption(
      new Option('--mode <mode>', 'drain lets running tasks finish, now takes them back; default drain').choices(MODES),
    )
    .action(lazily(async () => (await import('../commands/control-plan.ts')).pausePlan))
  plans
    .command('resume')
    .description('let a paused plan go on')
    .argument('<plan>', PLAN)
    .requiredOption('--reason <text>', 'why, 1–500 characters; it is recorded')
    .option('--input <value>', 'what its planner shall know: JSON, YAML, @file or - for stdin')
    .action(lazily(async () => (await import('../commands/control-plan.ts')).resumePlan))
  plans
    .command('cancel')
    .description('cancel a plan with its open tasks and child plans')
    .argument('<plan>', PLAN)
    .requiredOption('--reason <text>', 'why, 1–500 characters; it is recorded')
    .action(lazily(async () => (await import('../commands/control-plan.ts')).cancelPlan))
}
