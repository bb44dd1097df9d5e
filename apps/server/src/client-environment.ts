/** `SOMA_` names that clients read and that are no settings of a server. */
export const CLIENT_ENVIRONMENT = [
  'SOMA_URL',
  'SOMA_TOKEN',
  'SOMA_API_KEY',
  'SOMA_TENANT',
  'SOMA_CONTEXT',
  'SOMA_MODE',
] as const
