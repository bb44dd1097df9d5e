export interface SecretShape {
  /** What a warning calls it. */
  readonly name: string
  /**
   * Global. Takes time in proportion to the text: it begins only where a run of its characters does (`(?<![\w-])`), so that no run is read twice. What group `kept` matches stays.
   */
  readonly pattern: RegExp
}

/** Formats that issuers publish for secret scanners, so that a match is hardly ever anything else. */
const TOKENS: Readonly<Record<string, string>> = {
  'soma-key': String.raw`soma_[0-7][0-9a-hjkmnp-tv-z]{25}_[0-9A-Za-z]{49}`,
  'aws-key': String.raw`(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}`,
  'github-token': String.raw`(?:gh[pousr]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{60,})`,
  'gitlab-token': String.raw`gl(?:pat|dt|rt|cbt|ptt|oas)-[\w-]{20,}`,
  'slack-token': String.raw`xox[abeoprs]-[0-9A-Za-z-]{10,}`,
  'stripe-key': String.raw`[rs]k_(?:live|test)_[0-9A-Za-z]{16,}`,
  'model-key': String.raw`sk-(?:ant-|proj-|or-|svcacct-)?(?=[\w-]*\d)[\w-]{20,}`,
  'google-key': String.raw`AIza[\w-]{35}`,
  'google-token': String.raw`ya29\.[\w-]{20,}`,
  'npm-token': String.raw`npm_[0-9A-Za-z]{36}`,
  'pypi-token': String.raw`pypi-[\w-]{50,}`,
  'hugging-face-token': String.raw`hf_[0-9A-Za-z]{30,}`,
  'digital-ocean-token': String.raw`do[opr]_v1_[0-9a-f]{64}`,
  'sendgrid-key': String.raw`SG\.[\w-]{16,32}\.[\w-]{32,64}`,
  'telegram-token': String.raw`[0-9]{8,10}:AA[\w-]{33}`,
  'json-web-token': String.raw`eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*`,
}

export const SECRET_SHAPES: readonly SecretShape[] = [
  {
    name: 'private-key',
    pattern:
      /-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----[^]*?(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|$)/g,
  },
  ...Object.entries(TOKENS).map(([name, token]) => ({
    name,
    pattern: new RegExp(String.raw`(?<![\w-])${token}(?![\w-])`, 'g'),
  })),
  { name: 'url-password', pattern: /(?<kept>\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@]{0,64}:)[^\s/:@]{1,256}(?=@)/gi },
  { name: 'bearer-token', pattern: /(?<kept>\bauthorization["']?\s?[:=]\s?["']?(?:bearer|basic)\s)[\w.~+/=-]{8,}/gi },
  {
    name: 'password',
    pattern:
      /(?<kept>(?<![a-z])(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|secret[_-]?key|access[_-]?token|auth[_-]?token|client[_-]?secret)["']?\s{0,3}[:=]\s{0,3}["']?)(?=[^\s"']{0,64}\d)(?=[^\s"']{0,64}[a-z])[^\s"',;]{8,}/gi,
  },
]
