import {
  commonProblems,
  contract,
  defineModule,
  event,
  idSchema,
  newUuid,
  on,
  operation,
  pageOf,
  pageQuery,
  problem,
  queryBoolean,
  setting,
  toId,
  toPage,
  decodeCursor,
  uuidOf,
} from '@soma/kernel'
import * as z from 'zod'

/** A toy module for tests of the runtime: notes with every feature a contract can declare. */
const note = z.strictObject({ noteId: idSchema('note'), text: z.string(), version: z.number().int() })

export const notesProblems = {
  tooSilly: problem({ code: 'too-silly', status: 422, title: 'Too silly', remedy: 'Be serious.', retryable: false }),
  undeclared: problem({
    code: 'never-declared',
    status: 409,
    title: 'Never declared',
    remedy: 'None.',
    retryable: false,
  }),
}

export const noteCreated = event({
  type: 'note.created',
  topic: 'business-facts',
  data: z.strictObject({ noteId: z.string(), text: z.string() }),
  summary: 'A note was written.',
})

export const notesContract = contract({
  module: 'notes',
  summary: 'What did people write down?',
  operations: {
    notes: {
      create: operation({
        method: 'POST',
        path: '/v1/notes',
        summary: 'Writes a note.',
        capability: 'note:write',
        body: z.strictObject({ text: z.string().min(1).max(50), tags: z.array(z.string().max(5)).max(3).default([]) }),
        output: note,
        status: 201,
        problems: [notesProblems.tooSilly],
        bodyLimitBytes: 1_000,
      }),
      list: operation({
        method: 'GET',
        path: '/v1/notes',
        summary: 'Lists notes.',
        capability: 'note:read',
        query: z.strictObject({ ...pageQuery, loud: queryBoolean.optional() }),
        output: pageOf(note),
      }),
      get: operation({
        method: 'GET',
        path: '/v1/notes/{noteId}',
        summary: 'Reads a note.',
        capability: 'note:read',
        params: z.strictObject({ noteId: idSchema('note') }),
        output: note,
      }),
      update: operation({
        method: 'PATCH',
        path: '/v1/notes/{noteId}',
        summary: 'Changes a note.',
        capability: 'note:write',
        params: z.strictObject({ noteId: idSchema('note') }),
        body: z.strictObject({ text: z.string().min(1).max(50) }),
        output: note,
        ifMatch: true,
      }),
      delete: operation({
        method: 'DELETE',
        path: '/v1/notes/{noteId}',
        summary: 'Deletes a note.',
        capability: 'note:write',
        params: z.strictObject({ noteId: idSchema('note') }),
      }),
      count: operation({
        method: 'GET',
        path: '/v1/notes/count',
        summary: 'Counts up.',
        capability: 'note:read',
        query: z.strictObject({ to: z.coerce.number().int().max(1_000_000) }),
        stream: { number: z.strictObject({ value: z.number() }) },
      }),
      hello: operation({
        method: 'GET',
        path: '/v1/notes/hello',
        summary: 'Greets anybody.',
        capability: 'public',
        output: z.strictObject({ hello: z.string() }),
      }),
      book: operation({
        method: 'GET',
        path: '/v1/notes/book',
        summary: 'All notes as one document.',
        capability: 'public',
        output: z.looseObject({ title: z.string() }),
        document: true,
      }),
      break: operation({
        method: 'POST',
        path: '/v1/notes/break',
        summary: 'Fails in a chosen way.',
        capability: 'note:write',
        body: z.strictObject({
          how: z.enum(['throw', 'undeclared', 'output', 'call-in-transaction', 'wait-in-transaction']),
        }),
        output: note,
      }),
    },
  },
  events: [noteCreated],
  capabilities: { 'note:read': 'read notes', 'note:write': 'write notes' },
  settings: {
    maximumNotes: setting({
      type: z.number().int().min(1),
      default: 100,
      summary: 'How many notes a tenant may have.',
      modes: { production: 1_000 },
    }),
  },
})

type Row = { id: string; text: string; version: number }
const toNote = (row: Row) => ({ noteId: toId('note', row.id), text: row.text, version: row.version })

export const notesModule = defineModule({
  contract: notesContract,
  uses: {},
  migrations: new URL('./notes-migrations/', import.meta.url),
  create: ({ database }) => {
    const find = (rows: Row[], noteId: string) => {
      if (rows[0] === undefined) throw commonProblems.notFound.create(`no note ${noteId}`)
      return toNote(rows[0])
    }
    return {
      operations: {
        notes: {
          create: async (context, { body, newId }) => {
            if (body.text === 'silly') throw notesProblems.tooSilly.create('silly is too silly')
            const noteId = newId('note')
            return database.transaction(context, async (tx) => {
              const rows = await tx.query<Row>(
                'insert into notes.notes (tenant_id, id, text) values ($1, $2, $3) on conflict (tenant_id, id) do update set text = excluded.text returning id, text, version',
                [context.tenantId, uuidOf('note', noteId), body.text],
              )
              tx.emit(noteCreated, { noteId, text: body.text })
              return toNote(rows[0] as Row)
            })
          },
          list: async (context, { query }) => {
            const after = decodeCursor(query.cursor, ['uuid'])?.[0] ?? null
            const rows = await database.transaction(context, (tx) =>
              tx.query<Row>(
                'select id, text, version from notes.notes where ($1::uuid is null or id < $1) order by id desc limit $2',
                [after, query.limit + 1],
              ),
            )
            return toPage(rows, query.limit, { item: toNote, key: (row) => [row.id] })
          },
          get: async (context, { params }) =>
            find(
              await database.transaction(context, (tx) =>
                tx.query<Row>('select id, text, version from notes.notes where id = $1', [
                  uuidOf('note', params.noteId),
                ]),
              ),
              params.noteId,
            ),
          update: async (context, { params, body, ifMatch }) =>
            database.transaction(context, async (tx) => {
              const rows = await tx.query<Row>(
                'update notes.notes set text = $2, version = version + 1 where id = $1 and version = $3 returning id, text, version',
                [uuidOf('note', params.noteId), body.text, ifMatch],
              )
              if (rows[0] !== undefined) return toNote(rows[0])
              const current = find(
                await tx.query<Row>('select id, text, version from notes.notes where id = $1', [
                  uuidOf('note', params.noteId),
                ]),
                params.noteId,
              )
              throw commonProblems.versionConflict.create(`the note is at version ${current.version}, not ${ifMatch}`, {
                version: current.version,
              })
            }),
          delete: async (context, { params }) => {
            const deleted = await database.transaction(context, (tx) =>
              tx.execute('delete from notes.notes where id = $1', [uuidOf('note', params.noteId)]),
            )
            if (deleted === 0) throw commonProblems.notFound.create(`no note ${params.noteId}`)
            return undefined
          },
          count: async (_context, { query, lastEventId }) =>
            (async function* () {
              for (let value = Number(lastEventId ?? 0) + 1; value <= query.to; value++)
                yield { id: String(value), event: 'number' as const, data: { value } }
            })(),
          book: async () => ({ title: 'Notes', pages: [{ of: 1 }] }),
          hello: async () => ({ hello: 'world' }),
          break: async (context, { body }) => {
            if (body.how === 'throw') throw new Error('planted: password=hunter2')
            if (body.how === 'undeclared') throw notesProblems.undeclared.create('planted')
            if (body.how === 'output') return { noteId: 'wrong', text: 'x', version: 1 }
            return database.transaction(context, async (tx) => {
              if (body.how === 'wait-in-transaction') await new Promise((resolve) => setTimeout(resolve, 5))
              else await database.transaction(context, (inner) => inner.query('select 1'))
              return toNote(
                (await tx.query<Row>("select gen_random_uuid() as id, 'x' as text, 1 as version"))[0] as Row,
              )
            })
          },
        },
      },
      handlers: [
        on(noteCreated, async ({ data, tx, context }) => {
          if (data.text === 'poison') throw new Error('planted')
          await tx.execute('insert into notes.echoes (tenant_id, id, note_id, text) values ($1, $2, $3, $4)', [
            context.tenantId,
            newUuid(),
            uuidOf('note', data.noteId),
            data.text,
          ])
        }),
      ],
    }
  },
})
