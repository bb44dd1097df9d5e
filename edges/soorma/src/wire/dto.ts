import * as z from 'zod'

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** The object inside each DTO: what documents describe. */
const objects = new WeakMap<z.ZodType, z.ZodObject>()
export const objectOf = (schema: unknown): z.ZodObject | undefined => objects.get(schema as z.ZodType)

/** An object that is read with its members in camelCase or snake_case (the first wins); members it does not know are left out. */
export function dto<Shape extends z.ZodRawShape>(shape: Shape) {
  const names = Object.keys(shape).map((name) => [name, snake(name)] as const)
  const object = z.object(shape)
  const read = z.preprocess((value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const given = value as Record<string, unknown>
    return Object.fromEntries(
      names.flatMap(([name, other]) => {
        const known = [name, other].find((key) => given[key] !== undefined)
        return known === undefined ? [] : [[name, given[known]]]
      }),
    )
  }, object)
  objects.set(read, object)
  return read
}
