const PAGE = 200
/** The dialect has no pages: what a list answers is read in as many of ours, and no more. */
const MAXIMUM_PAGES = 10

interface Page<Item> {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
}

/** The first 2,000 items of a list of ours. */
export async function firstPages<Item>(
  read: (query: { readonly limit: number; readonly cursor: { readonly cursor?: string } }) => Promise<Page<Item>>,
): Promise<Item[]> {
  const items: Item[] = []
  let cursor: string | null | undefined
  for (let page = 0; page < MAXIMUM_PAGES && cursor !== null; page++) {
    const { items: found, nextCursor } = await read({ limit: PAGE, cursor: cursor ? { cursor } : {} })
    items.push(...found)
    cursor = nextCursor
  }
  return items
}
