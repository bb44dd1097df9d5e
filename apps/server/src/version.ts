/** The version of this build: what OpenAPI, `soma version` and boot lines say. */
export const VERSION = '0.1.0'
