/** English words that say nothing about what is asked for. They leave queries, not items; other languages rely on how rare a word is. */
export const STOP_WORDS: ReadonlySet<string> = new Set(
  `a about above after again all also am an and any are as at be because been before being below between both but by can could did do does doing done down during each few for from further
  get gets give got had has have having he her here hers herself him himself his how i if in into is it its itself just let like may me might more most must my myself no nor not now of off on
  once one only or other our ours ourselves out over own please she should so some such tell than that the their theirs them themselves then there these they this those through to too under
  until up upon us very was we were what when where which while who whom whose why will with would you your yours yourself yourselves im ive id ill dont doesnt didnt isnt arent wasnt werent
  hasnt havent hadnt cant couldnt wont wouldnt shouldnt whats whos wheres hows thats theres`.split(/\s+/),
)
