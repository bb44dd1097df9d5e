import { commonProblems, isProblem, type LogRecord, type ModuleDatabase, problemSummary } from '@soma/kernel'
import { schemaMismatch, unknownEventType } from '../../contract/problems.ts'
import { eventIn } from '../log/event-filter.ts'
import { type AdmissionOptions, checkRecordedEvent } from './admission.ts'

/** What is wrong with an event itself; anything else says that it could not be looked at. */
const REFUSALS: ReadonlySet<string> = new Set(
  [schemaMismatch, unknownEventType, commonProblems.payloadTooLarge].map(({ code }) => code),
)

export type Refusal = ReturnType<typeof problemSummary>

/**
 * Looks at an event that another program wrote to the bus as a publish would have (EVT-R5): where validation is strict, an unknown type, data that does not fit and too many
 * bytes are refused. @throws what keeps it from looking
 */
export function createInspection({
  database,
  ...options
}: Pick<AdmissionOptions, 'definitions' | 'validation' | 'maxEventBytes'> & {
  readonly database: Pick<ModuleDatabase, 'moduleContext'>
}) {
  return async (record: LogRecord): Promise<Refusal | undefined> => {
    const event = eventIn(record)
    if (event === undefined || options.validation !== 'strict') return undefined
    try {
      await checkRecordedEvent(database.moduleContext(record.tenantId), event, { ...options, pointer: '' })
      return undefined
    } catch (error) {
      if (isProblem(error) && REFUSALS.has(error.code)) return problemSummary(error)
      throw error
    }
  }
}
