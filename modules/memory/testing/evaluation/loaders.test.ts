import { describe, expect, it } from 'vitest'
import { loadLocomo } from './load-locomo.ts'
import { loadLongMemEval } from './load-long-mem-eval.ts'

const locomo = [
  {
    sample_id: 'conv-1',
    conversation: {
      speaker_a: 'Ann',
      speaker_b: 'Bo',
      session_10_date_time: '12:05 am on 1 June, 2023',
      session_10: [{ speaker: 'Bo', dia_id: 'D10:1', text: 'I moved.' }],
      session_2_date_time: '1:56 pm on 8 May, 2023',
      session_2: [{ speaker: 'Ann', dia_id: 'D2:1', text: 'Look!', blip_caption: 'a red boat' }],
    },
    qa: [
      { question: 'What did Ann show?', answer: 'A boat', evidence: ['D2:1'], category: 4 },
      { question: 'Both?', answer: 1, evidence: ['D2:1; D10:1', 'D9:9'], category: 1 },
      { question: 'Never?', adversarial_answer: 'x', evidence: ['D2:1'], category: 5 },
      { question: 'Lost?', answer: 'x', evidence: ['D7:7'], category: 2 },
    ],
  },
]

const longMemEval = [
  {
    ...{ question_id: 'q1', question_type: 'knowledge-update', question: 'Where?', answer: 'Rome' },
    ...{
      question_date: '2023/05/30 (Tue) 10:00',
      haystack_dates: ['2023/05/20 (Sat) 02:21', '2023/05/25 (Thu) 12:00'],
    },
    haystack_sessions: [
      [{ role: 'user', content: 'I live in Oslo.', has_answer: true }],
      [
        { role: 'assistant', content: 'Hello.' },
        { role: 'user', content: 'I live in Rome.', has_answer: true },
      ],
    ],
  },
  {
    ...{ question_id: 'q2_abs', question_type: 'single-session-user', question: 'Who?', answer: 'unknown' },
    ...{ question_date: '2023/05/30 (Tue) 10:00', haystack_dates: ['2023/05/20 (Sat) 02:21'] },
    haystack_sessions: [[{ role: 'user', content: 'Hi.' }]],
  },
]

describe('loadLocomo', () => {
  it('reads turns in the order of sessions, with what a picture shows, and questions with their evidence', () => {
    expect(loadLocomo(JSON.stringify(locomo))).toEqual([
      {
        id: 'conv-1',
        turns: [
          { id: 'D2:1', text: 'Ann: Look! [shows a red boat]', at: '2023-05-08T13:56:00.000Z' },
          { id: 'D10:1', text: 'Bo: I moved.', at: '2023-06-01T00:05:00.000Z' },
        ],
        questions: [
          expect.objectContaining({ class: 'single', text: 'What did Ann show?', gold: ['D2:1'] }),
          expect.objectContaining({ class: 'multi-hop', gold: ['D2:1', 'D10:1'] }),
          expect.objectContaining({ class: 'unanswerable', gold: [] }),
        ],
      },
    ])
  })

  it('refuses a file of another shape', () => {
    expect(() => loadLocomo('{}')).toThrow('expected array')
    const [sample] = structuredClone(locomo) as [(typeof locomo)[0]]
    sample.conversation.session_2_date_time = 'yesterday'
    expect(() => loadLocomo(JSON.stringify([sample]))).toThrow('the time "yesterday"')
  })
})

describe('loadLongMemEval', () => {
  it('takes the last of changed values as right, the earlier as stale, and knows what nothing answers', () => {
    const [updated, absent] = loadLongMemEval(JSON.stringify(longMemEval))
    expect(updated?.turns.map(({ id, at }) => [id, at])).toEqual([
      ['s1-t1', '2023-05-20T02:21:00.000Z'],
      ['s2-t1', '2023-05-25T12:00:00.000Z'],
      ['s2-t2', '2023-05-25T12:00:00.000Z'],
    ])
    expect(updated?.questions).toEqual([
      {
        ...{ id: 'q1', class: 'updated', text: 'Where?', at: '2023-05-30T10:00:00.000Z' },
        ...{ gold: ['s2-t2'], stale: ['s1-t1'] },
      },
    ])
    expect(absent?.questions[0]).toMatchObject({ class: 'unanswerable', gold: [], stale: [] })
  })

  it('refuses a file of another shape', () => {
    expect(() => loadLongMemEval('[{}]')).toThrow('question_id')
  })
})
