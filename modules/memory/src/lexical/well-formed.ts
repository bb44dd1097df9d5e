const REFUSED = /[\0\p{Surrogate}]/u

/** Whether Postgres can store the text: no NUL and no lone surrogate (MEM-R10). */
export const wellFormed = (text: string): boolean => !REFUSED.test(text)
