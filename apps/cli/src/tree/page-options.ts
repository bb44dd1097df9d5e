import { type Command, Option } from 'commander'
import { integer } from '../parse-flags.ts'

export interface PageFlags {
  readonly limit?: number
  readonly cursor?: string
}

/** Adds the flags of every list. */
export const withPage = (command: Command): Command =>
  command
    .addOption(new Option('--limit <count>', 'how many at most, 1–200; default 50').argParser(integer(1, 200)))
    .option('--cursor <cursor>', 'where the list goes on, as the last page said')
