/** The spellings of a module's name and noun that its files need. */
export interface Words {
  /** `weather-station` */
  readonly module: string
  /** `weatherStation` */
  readonly moduleCamel: string
  /** `WeatherStation` */
  readonly modulePascal: string
  /** SQL schema: `weather_station` */
  readonly moduleSnake: string
  /** `forecast` */
  readonly noun: string
  readonly nounCamel: string
  readonly nounPascal: string
  readonly nounSnake: string
}

const KEBAB = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/

/** @throws Error when a word is not kebab-case. */
export function wordsOf(module: string, noun: string): Words {
  for (const word of [module, noun]) {
    if (!KEBAB.test(word)) throw new Error(`"${word}" is not kebab-case: write it like weather or weather-station`)
  }
  return {
    module,
    moduleCamel: camel(module),
    modulePascal: pascal(module),
    moduleSnake: module.replaceAll('-', '_'),
    noun,
    nounCamel: camel(noun),
    nounPascal: pascal(noun),
    nounSnake: noun.replaceAll('-', '_'),
  }
}

const camel = (word: string): string => word.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

const pascal = (word: string): string => camel(`-${word}`)
