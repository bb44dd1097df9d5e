const SECRET_NAMES = [
  /^\.env($|[.\-_])/i,
  /^\.?(netrc|npmrc|pypirc|pgpass|htpasswd|git-credentials|dockercfg)$/i,
  /^id_(rsa|dsa|ecdsa|ed25519)(\..*)?$/i,
  /\.(pem|key|p12|pfx|jks|keystore|kdbx|ppk|asc|gpg|age)$/i,
  /^(credentials?|secrets?|service[-_]?account.*)(\.(json|ya?ml|toml|ini|txt|xml))?$/i,
  /\.(env|secret|secrets)$/i,
]

const SECRET_FOLDERS = /^\.(ssh|aws|gnupg|kube|docker|azure|gcloud)$/i

const SECRET_CONTENTS = [
  /-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[\s\\nr]{1,6}(?:[A-Za-z0-9+/=]{40,}[\s\\nr]{1,6}){2}/,
  /(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])/,
  /(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{36}/,
  /(?<![A-Za-z0-9])github_pat_[A-Za-z0-9_]{60,}/,
  /(?<![A-Za-z0-9])glpat-[A-Za-z0-9_-]{20}/,
  /(?<![A-Za-z0-9])xox[abprs]-[0-9]{8,}-[A-Za-z0-9-]{20,}/,
  /(?<![A-Za-z0-9])sk-(?:ant-|proj-)?[A-Za-z0-9_-]{40,}/,
  /(?<![A-Za-z0-9])(?:sk|rk)_live_[A-Za-z0-9]{20,}/,
  /(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}/,
  /(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])/,
]

/** Whether a file or folder of this name is never packed. */
export const isSecretName = (name: string, isFolder: boolean): boolean =>
  isFolder ? SECRET_FOLDERS.test(name) : SECRET_NAMES.some((pattern) => pattern.test(name))

/** Whether a text holds a private key or an access token in one of the well-known forms. */
export const holdsSecret = (text: string): boolean => SECRET_CONTENTS.some((pattern) => pattern.test(text))
