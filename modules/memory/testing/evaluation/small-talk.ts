import type { Choices } from './seeded-choices.ts'

/** What surrounds what matters: with words that questions use too, so that they mislead. */
const FRAMES: readonly string[] = [
  'The weather is {adjective} again, I stayed in and thought about {thing}.',
  'Did you see the film about {thing}? I found it {adjective}.',
  'Work was {adjective} today, five meetings and then {thing}.',
  'Remind me to tell you about {thing} when we meet.',
  'Ha, that sounds {adjective}! And then?',
  'Somebody at the market talked for an hour about {thing}.',
  'I cooked something {adjective} and burned half of it.',
  'My train was late, so I read about {thing}.',
  'How do you find the time? I never get round to {thing}.',
  'The neighbours are {adjective} about {thing}, I keep out of it.',
  'I agree with {other}, it is all rather {adjective}.',
  'Do you remember {thing} from last year? {adjective}, no?',
  'They asked me about {thing} at the party and I had no answer.',
  'It is late, let us talk about {thing} tomorrow.',
  'I bought a ticket for {thing}, no idea if it is {adjective}.',
  'A friend of {other} lives in a house like {thing}.',
  'Someone should work on {thing}, it would be {adjective}.',
  'I dreamt that I had to drive to {thing} and it was {adjective}.',
  'What would you do with {thing}? I would sell it.',
  'You are right, {thing} costs too much money these days.',
]

const ADJECTIVES =
  'grey, wonderful, exhausting, odd, quiet, loud, expensive, boring, splendid, sticky, hopeless, charming, slow, bright, awkward'.split(
    ', ',
  )

const THINGS =
  'the new tram, the old cinema, garden gnomes, the city council, that bakery, the flea market, the swimming pool, the book fair, the radio play, the bicycle lane, a lighthouse, the choir, the harbour, those street lamps, the botanical garden, the carnival, a crossword, the night bus, the school play, the football final, the phone bill, the company outing, the car wash, the music festival, a cooking show, the city library, somebody else’s diet, the savings bank, the sports hall, an unread book'.split(
    ', ',
  )

export const smallTalk = (choices: Choices, other: string): string =>
  choices
    .one(FRAMES)
    .replace('{thing}', choices.one(THINGS))
    .replace('{adjective}', choices.one(ADJECTIVES))
    .replace('{other}', other)
