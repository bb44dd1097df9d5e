import type { SqlSession } from '@soma/kernel'
import type { RecordKind } from './store.ts'

/** Whose names; what is left out is everyone's. The transaction is in no space, so it sees those of all. */
export interface People {
  readonly spaceId: string | undefined
  readonly userId: string | undefined
}

export interface NamedOfSomebody {
  readonly space_id: string
  readonly user_id: string
  readonly foreign_id: string
}

const AT_ONCE = 500
const OF_PEOPLE = '($1::text is null or space_id = $1) and ($2::text is null or user_id = $2)'

/** Names of one kind in the order of their key, those after another. */
export const selectRecordsOfPeople = (
  session: SqlSession,
  { people, kind, after }: { people: People; kind: RecordKind; after: NamedOfSomebody | undefined },
) =>
  session.query<NamedOfSomebody>(
    `select space_id, user_id, foreign_id from soorma.records where ${OF_PEOPLE} and kind = $3 and (space_id, user_id, foreign_id) > ($4, $5, $6)
     order by space_id, user_id, foreign_id limit ${AT_ONCE}`,
    [
      ...[people.spaceId ?? null, people.userId ?? null, kind],
      ...[after?.space_id ?? '', after?.user_id ?? '', after?.foreign_id ?? ''],
    ],
  )

export const deleteRecordsOfPeople = (session: SqlSession, people: People, kinds: readonly RecordKind[]) =>
  session.execute(`delete from soorma.records where ${OF_PEOPLE} and kind = any ($3)`, [
    people.spaceId ?? null,
    people.userId ?? null,
    kinds,
  ])
