/** The version of this program: what `soma --version` and the `User-Agent` say. */
export const VERSION = '0.1.0'
