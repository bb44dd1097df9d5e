const PREFIX = 'idadm'

/** An API key of ours (`soma_<id>_<secret>`) as the original writes it, `idadm.<credential id>.<secret>`. */
export function toTenantAdminKey(apiKey: string): string {
  const [, id = '', secret = ''] = apiKey.split('_')
  return `${PREFIX}.key_${id}.${secret}`
}

/** The API key inside, and its id. Undefined for what has not that form. */
export function parseTenantAdminKey(text: string): { readonly keyId: string; readonly apiKey: string } | undefined {
  const match = /^idadm\.key_([0-9a-z]{26})\.([0-9A-Za-z]+)$/.exec(text)
  return match === null ? undefined : { keyId: `key_${match[1]}`, apiKey: `soma_${match[1]}_${match[2]}` }
}
