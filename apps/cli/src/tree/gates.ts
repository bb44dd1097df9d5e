import { type Command, Option } from 'commander'
import { repeated } from '../parse-flags.ts'
import { lazily } from './lazily.ts'
import { withPage } from './page-options.ts'

const STATUSES = ['open', 'approved', 'rejected', 'revise', 'expired', 'cancelled']
const KINDS = ['review', 'policy', 'budget', 'input', 'effect', 'break-glass', 'change']
const GATE = 'the gate: its id, or at least the last 6 characters of it'

export function addGateCommands(program: Command): void {
  const gates = program.command('gates').alias('gate').description('what waits for a decision')
  withPage(
    gates
      .command('list')
      .description('list gates, newest first')
      .option('--mine', 'only open gates at which you may vote')
      .addOption(new Option('--status <status>', 'only gates in this status').choices(STATUSES))
      .addOption(new Option('--kind <kind>', 'only gates of this kind').choices(KINDS))
      .option('--plan <plan>', 'only gates of this plan, by its full id'),
  ).action(lazily(async () => (await import('../commands/gates.ts')).listGates))
  gates
    .command('get')
    .alias('show')
    .description('show a gate with payload, evidence and votes')
    .argument('<gate>', GATE)
    .action(lazily(async () => (await import('../commands/gates.ts')).getGate))
  for (const parent of [gates, program]) addDecisions(parent)
}

function addDecisions(parent: Command): void {
  withDecision(parent.command('approve').description('approve a gate: what was shown may happen'))
    .option('--without <file>', 'leave this file of the payload out; may be repeated', repeated)
    .option('--edit <value>', 'a JSON merge patch of the payload: JSON, YAML, @file or - for stdin')
    .action(lazily(async () => (await import('../commands/decide-gate.ts')).approveGate))
  withDecision(parent.command('reject').description('reject a gate: it must not happen')).action(
    lazily(async () => (await import('../commands/decide-gate.ts')).rejectGate),
  )
  withDecision(parent.command('revise').description('send a gate back to be done otherwise'))
    .option('--instructions <text>', 'what to do otherwise, 1–4000 characters; default: the reason')
    .action(lazily(async () => (await import('../commands/decide-gate.ts')).reviseGate))
}

const withDecision = (command: Command): Command =>
  command
    .argument('[gate]', `${GATE}; default: the oldest that you may decide`)
    .option('--reason <text>', 'why, 1–500 characters; asked for on a terminal')
