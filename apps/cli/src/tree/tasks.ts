import { type Command, Option } from 'commander'
import { lazily } from './lazily.ts'
import { withPage } from './page-options.ts'

const STATUSES = ['pending', 'running', 'delegated', 'waiting', 'completed', 'failed', 'cancelled']
const TASK = 'the task: its id, or at least the last 6 characters of it'
const REASON = 'why, 1–500 characters; it is recorded'

export function addTaskCommands(program: Command): void {
  const tasks = program.command('tasks').alias('task').description('units of work, in plans and alone')
  withPage(
    tasks
      .command('list')
      .description('list tasks, newest first')
      .option('--plan <plan>', 'only tasks of this plan: its id, or at least the last 6 characters of it')
      .addOption(new Option('--status <status>', 'only tasks in this status').choices(STATUSES))
      .option('--agent <name>', 'only tasks in the hands of this agent'),
  ).action(lazily(async () => (await import('../commands/tasks.ts')).listTasks))
  tasks
    .command('show')
    .alias('get')
    .description('show one task')
    .argument('<task>', TASK)
    .action(lazily(async () => (await import('../commands/tasks.ts')).showTask))
  tasks
    .command('retry')
    .description('hand a task out again: an open one, or a failed one of an open plan')
    .argument('<task>', TASK)
    .requiredOption('--reason <text>', REASON)
    .action(lazily(async () => (await import('../commands/tasks.ts')).retryTask))
  tasks
    .command('cancel')
    .description('cancel an open task with its open sub-tasks; who asked for it hears of it')
    .argument('<task>', TASK)
    .requiredOption('--reason <text>', REASON)
    .action(lazily(async () => (await import('../commands/tasks.ts')).cancelTask))
}
