import { type Choices, seededChoices } from './seeded-choices.ts'
import type { Conversation, Question, Turn } from './suite.ts'

const SUBJECTS =
  'espresso machine, label printer, forklift, cold storage, laser cutter, loading dock, visitor badge, server cabinet, fume hood, delivery bicycle, meeting screen, ventilation unit, paint booth, conveyor belt, charging station, microscope, recycling press, security gate, water filter, spare battery'.split(
    ', ',
  )

/** What a handbook says of each thing, and how somebody asks for it. */
const ASPECTS: readonly { readonly text: string; readonly asked: readonly string[] }[] = [
  {
    text: 'Before cleaning the {s}, switch it off at the wall and wait ten minutes. Use the {c} cloth from the cupboard, never bleach, and let every surface dry overnight.',
    asked: ['how should I clean the {s} after work', 'which cloth for cleaning the {s}'],
  },
  {
    text: 'If the {s} smokes, smells or makes grinding noises, press the red emergency button and leave the room. Report the accident to the {c} desk within an hour.',
    asked: ['emergency with the {s}, where do I report the accident', 'the {s} makes grinding noises'],
  },
  {
    text: 'Spare parts of the {s} are ordered through the {c} catalogue on the first Tuesday of a month. Quote the serial number; the warehouse returns damaged parcels.',
    asked: ['ordering spare parts for the {s}', 'which catalogue lists parts of the {s}'],
  },
  {
    text: 'The {s} is calibrated twice a year with the {c} reference kit. Write temperature and humidity into the calibration record and let a colleague sign it.',
    asked: ['when is the {s} calibrated', 'calibration record of the {s}, who must sign'],
  },
  {
    text: 'Only trained employees may operate the {s}. The {c} certificate expires after two years; the training takes half a day and is booked with human resources.',
    asked: ['training certificate to operate the {s}', 'how do employees get permission for the {s}'],
  },
]
const COLOURS = 'yellow, blue, orange, purple, silver, green'.split(', ')
const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
const ASKED_AT = '2025-10-01T09:00:00.000Z'
const QUESTIONS = 60
const MIN_MISSPELT = 5

/** A handbook of a hundred passages, and questions in which every long word is misspelt once. */
export function generatedHandbook(seed: number): Conversation {
  const choices = seededChoices(seed)
  const passages = SUBJECTS.flatMap((subject, chapter) =>
    ASPECTS.map(({ text, asked }, aspect) => {
      const turn: Turn = {
        id: `handbook-${chapter + 1}-${aspect + 1}`,
        text: filled(text, subject, choices.one(COLOURS)),
        at: new Date(Date.UTC(2025, 0, 1 + chapter, aspect)).toISOString(),
      }
      return { turn, asked: filled(choices.one(asked), subject, '') }
    }),
  )
  const questions = choices.some(passages, QUESTIONS).map(
    ({ turn, asked }, index): Question => ({
      ...{ id: `handbook-q${index + 1}`, class: 'typos', text: misspelt(asked, choices), at: ASKED_AT },
      ...{ gold: [turn.id], stale: [] },
    }),
  )
  return { id: 'handbook', turns: passages.map(({ turn }) => turn), questions }
}

const filled = (template: string, subject: string, colour: string): string =>
  template.replaceAll('{s}', subject).replaceAll('{c}', colour)

const misspelt = (text: string, choices: Choices): string =>
  text.replaceAll(/\p{L}+/gu, (word) => (word.length < MIN_MISSPELT ? word : withError(word, choices)))

/** A letter more, less, other, or two swapped; the first letter is seldom wrong. */
function withError(word: string, choices: Choices): string {
  const at = 1 + choices.below(word.length - 2)
  const [before, after, letter] = [word.slice(0, at), word.slice(at), choices.one(Array.from(LETTERS))]
  return choices.one([
    before + letter + after,
    before + after.slice(1),
    before + letter + after.slice(1),
    before + after.slice(1, 2) + after.slice(0, 1) + after.slice(2),
  ])
}
