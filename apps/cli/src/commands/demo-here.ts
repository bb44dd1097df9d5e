import { withoutUndefined } from '@soma/kernel'
import type { ConnectionFlags } from '../connection.ts'
import type { DemoFlags } from '../demo/demo.ts'
import type { Handling } from '../session.ts'
import { demo } from './demo.ts'

/** The job on the folder that was named, against a server that runs elsewhere. */
export async function demoHere({ flags, args }: Handling<Omit<DemoFlags, 'folder'> & ConnectionFlags>): Promise<void> {
  const { url, data, fresh, question, maxStatements, paceMs, model } = flags
  await demo(withoutUndefined({ url, data, fresh, question, maxStatements, paceMs, model, folder: args[0] }))
}
