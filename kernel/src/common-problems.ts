import { problem } from './problem.ts'

/** Problems that every operation may answer (docs/spec/README.md). */
export const commonProblems = {
  malformedBody: problem({ code: 'malformed-body', status: 400, title: 'The body cannot be read', remedy: 'Send valid JSON in UTF-8 without prototype keys.', retryable: false }),
  unauthenticated: problem({ code: 'unauthenticated', status: 401, title: 'No valid credential', remedy: 'Send a valid API key or token in the Authorization header.', retryable: false }),
  forbidden: problem({ code: 'forbidden', status: 403, title: 'A capability is missing', remedy: 'Ask an AgentAdmin of the tenant for the capability named in the detail.', retryable: false }),
  policyDenied: problem({ code: 'policy-denied', status: 403, title: 'A rule forbids this', remedy: 'Read the rules named in the answer; the decision can be explained by its id.', retryable: false }),
  approvalRequired: problem({ code: 'approval-required', status: 403, title: 'A person must approve first', remedy: 'Repeat the request with the same Idempotency-Key after the gate was approved.', retryable: true }),
  notFound: problem({ code: 'not-found', status: 404, title: 'Nothing here', remedy: 'Check the id; what belongs to another tenant looks the same as what does not exist.', retryable: false }),
  methodNotAllowed: problem({ code: 'method-not-allowed', status: 405, title: 'This path has no such method', remedy: 'Use a method of the Allow header.', retryable: false }),
  notAcceptable: problem({ code: 'not-acceptable', status: 406, title: 'No such representation', remedy: 'Accept application/json, or text/event-stream where the operation streams.', retryable: false }),
  conflict: problem({ code: 'conflict', status: 409, title: 'The state of the resource forbids this', remedy: 'Read the resource again and decide anew.', retryable: false }),
  versionConflict: problem({ code: 'version-conflict', status: 412, title: 'Somebody changed it meanwhile', remedy: 'Read the current version, apply your change to it and send its version in If-Match.', retryable: false }),
  payloadTooLarge: problem({ code: 'payload-too-large', status: 413, title: 'Too large', remedy: 'Send less; the limit is named in the detail.', retryable: false }),
  unsupportedMediaType: problem({ code: 'unsupported-media-type', status: 415, title: 'This content type is not read here', remedy: 'Send application/json.', retryable: false }),
  invalidRequest: problem({ code: 'invalid-request', status: 422, title: 'The input does not fit its schema', remedy: 'Correct the fields listed in errors.', retryable: false }),
  idempotencyKeyReused: problem({ code: 'idempotency-key-reused', status: 422, title: 'The key was used for another body', remedy: 'Use a new Idempotency-Key for a new request.', retryable: false }),
  budgetExceeded: problem({ code: 'budget-exceeded', status: 402, title: 'The budget does not allow this', remedy: 'Raise the budget or ask for less.', retryable: false }),
  rateLimited: problem({ code: 'rate-limited', status: 429, title: 'Too many requests', remedy: 'Wait as long as Retry-After says.', retryable: true }),
  headersTooLarge: problem({ code: 'headers-too-large', status: 431, title: 'Headers too large', remedy: 'Send fewer or shorter headers.', retryable: false }),
  internal: problem({ code: 'internal', status: 500, title: 'A bug in the platform', remedy: 'Report the trace id; the cause is in the log of the server.', retryable: true }),
  constitutionUnverified: problem({ code: 'constitution-unverified', status: 503, title: 'The constitution does not verify', remedy: 'An operator must restore a signed constitution.', retryable: true }),
  unavailable: problem({ code: 'unavailable', status: 503, title: 'A dependency is down', remedy: 'Try again later; the dependency is named in the detail.', retryable: true }),
  timeout: problem({ code: 'timeout', status: 504, title: 'It took too long', remedy: 'Try again; a POST with the same Idempotency-Key is safe.', retryable: true }),
} as const
