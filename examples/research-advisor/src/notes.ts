/** What is known, each with its source. */
export const NOTES: readonly { readonly source: string; readonly text: string }[] = [
  { source: 'notes/tea.md:1', text: 'A cup of green tea has about 30 mg of caffeine.' },
  { source: 'notes/tea.md:2', text: 'In Japan people drink green tea all day, in England black tea with milk.' },
  { source: 'notes/coffee.md:1', text: 'A cup of coffee has about 95 mg of caffeine.' },
  { source: 'notes/sleep.md:1', text: 'Half of the caffeine of a drink is still in the body after five hours.' },
  { source: 'notes/garden.md:1', text: 'Roses want sun and a deep soil.' },
]
