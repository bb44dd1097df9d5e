/** What people of the suite tell each other. `{v}` is the value, `{p}` the person, `{k}` somebody they know. */

/** Something about a person that changes now and then. */
export interface Topic {
  readonly predicate: string
  /** What the other sometimes says just before. */
  readonly prompt: string
  readonly values: readonly string[]
  /** How it is told first, and how it is told when it has changed. */
  readonly told: readonly string[]
  readonly changed: readonly string[]
  readonly asked: readonly string[]
}

const words = (text: string): string[] => text.split(', ')

export const TOPICS: readonly Topic[] = [
  {
    predicate: 'employer',
    prompt: 'How is work, {p}, still the same company?',
    values: words(
      'Brightwater Foods, Nordlicht Energy, Halden & Sons, Orchid Robotics, Quillmark, Tern Logistics, Velora Bank, Copperfield Press',
    ),
    told: [
      'My badge from {v} came today, so it is official.',
      'Three weeks at {v} and I still get lost on the way to the canteen.',
      'They made me team lead at {v}, can you believe it?',
    ],
    changed: [
      'I handed in my notice, next month I begin at {v}.',
      'New desk, new boss: greetings from {v}!',
      'The offer from {v} was too good, so I signed.',
    ],
    asked: [
      'Which company does {p} work for now?',
      'Where is {p} employed at the moment?',
      "Who is {p}'s current employer?",
    ],
  },
  {
    predicate: 'home',
    prompt: 'And the flat, {p}, do you still live in that town?',
    values: words('Lisbon, Tampere, Ghent, Valparaiso, Trieste, Galway, Bergen, Porto, Graz, Ljubljana'),
    told: [
      'We unpacked the last box in our flat in {v}.',
      'Every window here in {v} looks at somebody else’s laundry.',
      'I have to register my address in {v} before Friday.',
    ],
    changed: [
      'The van is empty and we sleep in {v} from tonight on.',
      'We gave the old keys back; our place is in {v} now.',
      'Moving to {v} was the best idea of the year.',
    ],
    asked: [
      'What city does {p} live in now?',
      'Where is the flat of {p} these days?',
      'In which town does {p} have a home?',
    ],
  },
  {
    predicate: 'car',
    prompt: 'How do you get here, {p}, which car will you drive?',
    values: words(
      'a rusty Volvo, an old Fiat Panda, a Skoda estate, a tiny electric Renault, a green Saab, a camper van, a Mazda',
    ),
    told: [
      'I drive {v} and I am not ashamed of it.',
      'The garage says {v} will pass the inspection once more.',
      'Somebody scratched my door, of all things on {v}.',
    ],
    changed: [
      'I traded it in and came home with {v}.',
      'The old car is gone, now there is {v} in the yard.',
      'Guess what stands in front of the house: {v}, and it is mine.',
    ],
    asked: ['What car does {p} drive?', 'Which vehicle does {p} own now?', 'What is parked in the yard of {p}?'],
  },
  {
    predicate: 'instrument',
    prompt: 'What do you play at the moment, {p}?',
    values: words(
      'the cello, the clarinet, the accordion, the viola, the trombone, the ukulele, the bassoon, the harp',
    ),
    told: [
      'I practise {v} every evening, my neighbours are patient people.',
      'My lessons on {v} are on Mondays.',
      'I borrowed sheet music for {v} from the library.',
    ],
    changed: [
      'I gave up and switched to {v}, it suits my hands.',
      'My teacher says {v} is what I should have started with, so I changed.',
      'From this week on it is {v} for me.',
    ],
    asked: [
      'Which instrument does {p} play?',
      'What is {p} learning to play now?',
      'What does {p} take music lessons on?',
    ],
  },
  {
    predicate: 'diet',
    prompt: 'What should I cook for you, {p}?',
    values: words(
      'vegan food, only fish and vegetables, no gluten, no dairy, everything but pork, a low-salt menu, vegetarian dishes',
    ),
    told: [
      'Please remember for Sunday: I eat {v}.',
      'The doctor wants me on {v} until summer.',
      'Cooking for me is easy, I have {v}.',
    ],
    changed: [
      'Scrap what I said about my meals: from now on {v}.',
      'My stomach got better, so I changed to {v}.',
      'The nutritionist turned everything around, now it is {v}.',
    ],
    asked: ['What diet does {p} follow?', 'What should I mind when I cook for {p}?', 'What does {p} eat nowadays?'],
  },
  {
    predicate: 'reading',
    prompt: 'Any good book, {p}?',
    values: words(
      'a biography of Ada Lovelace, a thick novel about whales, poems by Szymborska, a history of salt, a guide to mushrooms, essays on bridges, a thriller set in Oslo',
    ),
    told: ['On the train I read {v}.', 'I fell asleep over {v} again.', 'My book club picked {v}.'],
    changed: [
      'Finished! Next on my night table is {v}.',
      'I put it aside and opened {v} instead.',
      'The book club voted again, and now it is {v}.',
    ],
    asked: ['Which book is {p} reading?', 'What lies on the night table of {p}?', 'What is {p} reading at present?'],
  },
  {
    predicate: 'phone',
    prompt: 'What happened to your phone, {p}?',
    values: words(
      'a Fairphone, a second-hand Pixel, a brick with buttons, a Nokia, an iPhone with a cracked screen, a Motorola',
    ),
    told: [
      'Sorry for the photo, {v} does not do better.',
      'I dropped {v} on the tiles and it lived.',
      'My pocket is heavy, {v} weighs a ton.',
    ],
    changed: ['My old phone drowned, so now I type on {v}.', 'The shop gave me {v} in exchange.', 'I upgraded: {v}!'],
    asked: ['What phone does {p} have?', 'Which mobile does {p} use now?', 'What does {p} type messages on?'],
  },
  {
    predicate: 'sport',
    prompt: 'Do you still do that sport, {p}?',
    values: words('rowing, bouldering, fencing, water polo, judo, orienteering, badminton, cross-country skiing'),
    told: [
      'My arms hurt from {v}.',
      'I found a club for {v} round the corner.',
      'On Thursdays I have {v}, so not then please.',
    ],
    changed: [
      'My knee said no, so I do {v} instead.',
      'I left the club and took up {v}.',
      'A friend dragged me to {v} and I stayed; the other thing is history.',
    ],
    asked: ['What sport does {p} do?', 'Which sport does {p} train now?', 'What does {p} do to keep fit?'],
  },
  {
    predicate: 'project',
    prompt: 'Which project keeps you busy, {p}?',
    values: words('Bluefinch, Lantern, Meridian, Tidepool, Foxglove, Basalt, Kestrel, Juniper'),
    told: [
      'I spend my days on project {v}.',
      'The steering group loves project {v}.',
      'Nobody knows the budget of {v}, and I am in charge of it.',
    ],
    changed: [
      'They cancelled it and put me on {v}.',
      'From Monday my work is all about {v}.',
      'I asked for something else and got {v}.',
    ],
    asked: [
      'Which project does {p} work on?',
      'What is the project of {p} called now?',
      'What does {p} spend the working days on?',
    ],
  },
  {
    predicate: 'savings',
    prompt: 'What do you save your money for, {p}?',
    values: words(
      'a piano, a sailing course, solar panels, a trip to Patagonia, a new roof, a telescope, a wood stove',
    ),
    told: [
      'I put fifty a week aside for {v}.',
      'Everything I save goes into {v}.',
      'Two more months and I can pay for {v}.',
    ],
    changed: [
      'Plans changed, the money is for {v} after all.',
      'I would rather save for {v}, so that is what I do.',
      'The jar got a new label: {v}.',
    ],
    asked: [
      'What is {p} saving money for?',
      'What are the savings of {p} meant for?',
      'What does {p} want to buy with the money put aside?',
    ],
  },
]

/** Something that happened once. */
export interface Happening {
  readonly told: readonly string[]
  readonly asked: string
  /** Of the same thing, asked by its time: `{m}` is the month. */
  readonly askedByTime: string
}

const happening = (askedBy: string, askedByTime: string, ...told: string[]): Happening => ({
  asked: `When did {p} ${askedBy}?`,
  askedByTime: `What did {p} ${askedByTime} in {m}?`,
  told,
})

export const HAPPENINGS: readonly Happening[] = [
  happening(
    'visit the glass museum',
    'visit',
    'Yesterday I spent two hours in the glass museum.',
    'The glass museum was free on Sunday, so I went.',
  ),
  happening(
    'run the half marathon',
    'run',
    'I ran the half marathon on Saturday, slowly but to the end.',
    'My legs! The half marathon yesterday was all hills.',
  ),
  happening(
    'bake the sourdough bread',
    'bake',
    'My first sourdough came out of the oven last night.',
    'I baked sourdough on Tuesday and it could stop a bullet.',
  ),
  happening(
    'lose the wedding ring',
    'lose',
    'I lost my wedding ring in the lake last weekend.',
    'My wedding ring slipped off on Friday and I lost it.',
  ),
  happening(
    'see the comet',
    'watch',
    'We drove out last night and watched the comet.',
    'Did you see the comet? I stood in a field on Wednesday to watch it.',
  ),
  happening(
    'adopt the kitten',
    'adopt',
    'We adopted a kitten from the shelter this morning.',
    'On Monday a kitten moved in, we adopted it.',
  ),
  happening(
    'fix the washing machine',
    'repair',
    'I repaired the washing machine myself yesterday.',
    'The washing machine runs again since Thursday, it was a coin.',
  ),
  happening(
    'give the talk about beekeeping',
    'present',
    'My talk about beekeeping was on Tuesday, forty people came.',
    'I gave that talk about beekeeping last night and nobody slept.',
  ),
  happening(
    'break an ankle',
    'break',
    'I broke my ankle on the stairs on Sunday.',
    'Plaster up to the knee: I broke my ankle yesterday.',
  ),
  happening(
    'win the chess tournament',
    'win',
    'I won the chess tournament last weekend!',
    'First place in the chess tournament on Saturday, I still smile.',
  ),
  happening(
    'plant the apple trees',
    'plant',
    'We planted four apple trees this morning.',
    'The apple trees are in the ground since Friday.',
  ),
  happening(
    'meet the mayor',
    'meet',
    'I met the mayor at the market yesterday.',
    'On Wednesday I shook hands with the mayor, no idea why.',
  ),
  happening(
    'take the pottery class',
    'make',
    'I made a crooked bowl in the pottery class last night.',
    'The pottery class on Monday was fun, my bowl was not.',
  ),
  happening(
    'sell the old boat',
    'sell',
    'Somebody came on Saturday and bought the old boat.',
    'We sold the old boat yesterday, I nearly cried.',
  ),
  happening(
    'spot the otter',
    'spot',
    'I spotted an otter at the canal this morning.',
    'An otter! On Thursday, right below the bridge.',
  ),
  happening(
    'pass the sign language exam',
    'pass',
    'I passed the sign language exam on Friday.',
    'Signed, sealed: the sign language exam yesterday went well.',
  ),
]

/** People that they know, and what is told of those. */
export const RELATIONS: readonly string[] = words('sister, brother, uncle, neighbour, cousin, boss, daughter, mentor')

export interface HopTopic {
  readonly values: readonly string[]
  readonly told: readonly string[]
  /** `{r}` is the relation. */
  readonly asked: readonly string[]
}

export const HOP_TOPICS: readonly HopTopic[] = [
  {
    values: words(
      'a tree surgeon, a court interpreter, a train driver, a glass blower, a vet, a piano tuner, a cartographer',
    ),
    told: ['{k} is {v}, did you know?', '{k} got certified and works as {v}.'],
    asked: ["What does {p}'s {r} do for a living?", "What is the job of {p}'s {r}?"],
  },
  {
    values: words('Reykjavik, Bogota, Nairobi, Osaka, Tbilisi, Halifax, Split'),
    told: ['{k} has lived in {v} for ten years.', 'I called {k} in {v} and it was four in the morning there.'],
    asked: ["Where does {p}'s {r} live?", "In which city is {p}'s {r}?"],
  },
  {
    values: words('peanuts, cats, pollen, latex, wasps, shellfish, penicillin'),
    told: ['{k} is allergic to {v}, so be careful.', 'We had to call a doctor because {k} cannot stand {v}.'],
    asked: ["What is {p}'s {r} allergic to?", "What must {p}'s {r} avoid because of an allergy?"],
  },
]

export const INTRODUCTIONS: readonly string[] = [
  'My {r} {k} came over for dinner.',
  'I owe my {r} a call. {k} always worries.',
  'You have to meet {k}, my {r}, some day.',
]

/** Asked for and never told. */
export const NEVER_TOLD: readonly string[] = [
  "What is {p}'s blood type?",
  'Which tattoo does {p} have?',
  'How tall is {p}?',
  "What is {p}'s favourite opera?",
  'Which airline does {p} fly with?',
  "What was {p}'s first school called?",
  'Who painted the portrait of {p}?',
  'Which perfume does {p} wear?',
  "What is the name of {p}'s parrot?",
  'Which university did {p} graduate from?',
  'What does {p} collect stamps of?',
  'How many siblings has the dentist of {p}?',
]
