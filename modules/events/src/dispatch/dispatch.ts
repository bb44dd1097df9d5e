import type { LogReader } from '@soma/kernel'
import type { EventsPorts } from '../ports.ts'
import { createGroups, type Groups, type GroupsOptions } from './groups.ts'
import { createGuests, type Guests } from './guests.ts'
import { createNodes, type Notice } from './nodes.ts'

/** Everything that hands out events in this process: the dispatchers it has, and the members it has of others. */
export interface Dispatch {
  readonly groups: Groups
  readonly guests: Guests
  close(): Promise<void>
}

type DispatchOptions = Omit<GroupsOptions, 'nodes' | 'owned'> & Pick<EventsPorts, 'nodes' | 'bus'>

export function createDispatch(options: DispatchOptions): Dispatch {
  const { log } = options
  const receive = (notice: Notice) => {
    groups
      .receive(notice)
      .then(() => guests.receive(notice))
      .catch((error: unknown) => log.warn('a notice of another process cannot be followed', { op: notice.op, error }))
  }
  const nodes = createNodes(options, receive)
  const groups = createGroups({ ...options, reader: untilHeard(options), nodes, owned: (id) => guests.visit(id) })
  const guests: Guests = createGuests({ nodes, groups, log })
  return {
    groups,
    guests,
    close: async () => {
      guests.close()
      await groups.close()
      await nodes.stop()
    },
  }
}

/** Another process may have handed out an event that the reader of this one has not heard of yet: then the log is asked. */
function untilHeard({ reader, bus }: Pick<DispatchOptions, 'reader' | 'bus'>): LogReader {
  return {
    ...reader,
    read: async (topic, part, after, limit) => {
      const heard = await reader.read(topic, part, after, limit)
      return heard.length > 0 ? heard : bus.read({ topic, part, after, limit })
    },
  }
}
