import { createHash } from 'node:crypto'

/** The part of JSON Schema that the contracts use. */
export interface SchemaNode {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly SchemaNode[]
  readonly oneOf?: readonly SchemaNode[]
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | SchemaNode
  readonly items?: SchemaNode
  readonly title?: string
}

const KEYWORDS = new Set(
  'False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield'.split(
    ' ',
  ),
)
const SIMPLE: Readonly<Record<string, string>> = {
  string: 'str',
  integer: 'int',
  number: 'float',
  boolean: 'bool',
  null: 'None',
}

export const isName = (text: string): boolean => /^[A-Za-z_]\w*$/.test(text) && !KEYWORDS.has(text)
export const pascal = (text: string): string =>
  text.replaceAll(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_match, letter: string) => letter.toUpperCase())
export const snake = (text: string): string => {
  const name = text
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/\W+/g, '_')
    .toLowerCase()
  return KEYWORDS.has(name) ? `${name}_` : name
}

/** Writes schemas as Python types; equal shapes of one module share one name, the first that was asked for. */
export function createTypeWriter() {
  const names = new Map<string, string>()
  const taken = new Set<string>()
  const declarations: string[] = []

  const typeOf = (schema: SchemaNode, name: string): string => {
    if (schema.$ref !== undefined) return 'Any'
    if (schema.const !== undefined) return literal([schema.const])
    if (schema.enum !== undefined) return literal(schema.enum)
    const choices = schema.anyOf ?? schema.oneOf
    if (choices !== undefined) return union(choices.map((choice) => typeOf(choice, name)))
    if (Array.isArray(schema.type)) return union(schema.type.map((type) => typeOf({ ...schema, type }, name)))
    if (schema.type === 'array') return `list[${typeOf(schema.items ?? {}, `${name}Item`)}]`
    if (schema.type === 'object') return objectOf(schema, name)
    return SIMPLE[schema.type as string] ?? 'Any'
  }
  const objectOf = (schema: SchemaNode, name: string): string => {
    const { properties, additionalProperties: others } = schema
    if (properties === undefined) {
      return `dict[str, ${typeof others === 'object' ? typeOf(others, `${name}Value`) : 'Any'}]`
    }
    // Members that nobody knows today cannot be typed: such an object stays a plain dict.
    if (others === true || typeof others === 'object') return 'dict[str, Any]'
    return declare(
      Object.entries(properties).map(([key, member]) => {
        const type = typeOf(member, name + pascal(key))
        return [key, schema.required?.includes(key) === true ? type : `NotRequired[${type}]`] as const
      }),
      name,
    )
  }
  const declare = (fields: readonly (readonly [string, string])[], wanted: string): string => {
    const key = createHash('sha256').update(JSON.stringify(fields)).digest('hex')
    const known = names.get(key)
    if (known !== undefined) return known
    let name = wanted
    for (let count = 2; taken.has(name); count++) name = `${wanted}${count}`
    taken.add(name)
    names.set(key, name)
    declarations.push(typedDict(name, fields))
    return name
  }
  return { typeOf, declare, declarations }
}

const literal = (values: readonly unknown[]): string => {
  const written = values.map((value) => (value === null ? 'None' : pythonText(value)))
  return values.every((value) => typeof value === 'number' && !Number.isInteger(value))
    ? 'float'
    : `Literal[${written.join(', ')}]`
}

/** JSON and Python write texts and numbers alike; truth values they do not. */
const pythonText = (value: unknown): string =>
  typeof value === 'boolean' ? (value ? 'True' : 'False') : JSON.stringify(value)

function union(types: readonly string[]): string {
  const members = [...new Set(types)]
  return members.includes('Any') ? 'Any' : members.join(' | ')
}

function typedDict(name: string, fields: readonly (readonly [string, string])[]): string {
  if (!fields.every(([key]) => isName(key))) {
    const members = fields.map(([key, type]) => `        ${JSON.stringify(key)}: ${JSON.stringify(type)},\n`)
    return `${name} = TypedDict(\n    "${name}",\n    {\n${members.join('')}    },\n)\n`
  }
  const members = fields.map(([key, type]) => `    ${key}: ${type}\n`)
  return `class ${name}(TypedDict):\n${members.length === 0 ? '    pass\n' : members.join('')}`
}
