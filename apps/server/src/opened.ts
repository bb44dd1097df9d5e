/** Closes one thing that a process has opened. */
export type Close = () => Promise<unknown>

/** Closes what was opened, the last first; each even where another fails. @throws AggregateError of what failed */
export async function closeAll(opened: Close[]): Promise<void> {
  const failures: unknown[] = []
  for (const close of opened.splice(0).reverse()) await close().catch((error: unknown) => failures.push(error))
  if (failures.length > 0) throw new AggregateError(failures, 'not everything could be closed')
}
