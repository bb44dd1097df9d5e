import { Argument, type Command, Option } from 'commander'
import { lazily } from './lazily.ts'

/** As `create-soma` has them; its code is loaded when a command runs. */
const KINDS = ['tool', 'worker', 'planner', 'choreography']
const DESCRIPTION = 'what the agent does: one line of at most 200 characters'

export function addProjectCommands(program: Command): void {
  program
    .command('init')
    .description('write an agent project into this folder, which must be empty, or into a new one')
    .argument('[name]', 'the new folder, the package and the agent in it; default: this folder')
    .addOption(new Option('--type <kind>', 'what kind of agent; default worker').choices(KINDS).default('worker'))
    .option('--description <text>', DESCRIPTION)
    .option('--folder <folder>', 'where it is written; default: the name, else this folder')
    .action(lazily(async () => (await import('../commands/new-project.ts')).initProject))
  program
    .command('new')
    .description('write an agent project into a new folder; the same as `init <name> --type <kind>`')
    .addArgument(new Argument('<kind>', 'what kind of agent').choices(KINDS))
    .argument('<name>', 'the new folder, the package and the agent in it')
    .option('--description <text>', DESCRIPTION)
    .option('--folder <folder>', 'where it is written; default: the name')
    .action(lazily(async () => (await import('../commands/new-project.ts')).newProject))
}
