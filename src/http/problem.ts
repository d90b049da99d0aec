/** Every way to say no over HTTP: RFC 9457 `application/problem+json`, with the code as the member `error`. */
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Refusal, RefusalCode } from '../lease/refusal.ts';

/** What is wrong with a request before it ever becomes a command. */
export type RequestErrorCode =
  | 'invalid_request'
  | 'invalid_json'
  | 'invalid_status'
  | 'unsupported_media_type'
  | 'body_too_large'
  | 'headers_too_large'
  | 'request_timeout'
  | 'cross_site'
  | 'bad_request'
  | 'no_such_route'
  | 'method_not_allowed'
  | 'internal_error';

export type ProblemCode = RefusalCode | RequestErrorCode;

const retryAfterSeconds = '1';

const problems: Record<ProblemCode, { status: ContentfulStatusCode; title: string }> = {
  not_found: { status: 404, title: 'There is no such token' },
  token_not_active: { status: 404, title: 'Nobody holds this token' },
  lease_mismatch: { status: 409, title: 'The lease is not yours' },
  lease_ended: { status: 410, title: 'The lease has ended' },
  lease_proof_required: { status: 403, title: 'The lease id is needed' },
  unavailable: { status: 503, title: 'The pool is not served here now' },
  too_late: { status: 503, title: 'The lease was over before it was recorded: nothing is held' },
  verify_running: { status: 429, title: 'The log is being checked for somebody else' },
  outcome_unknown: { status: 503, title: 'The log did not confirm in time: it may yet be recorded' },
  idempotency_key_reused: { status: 422, title: 'The Idempotency-Key was that of another request' },
  idempotency_key_in_use: { status: 409, title: 'The same request is still being answered' },
  invalid_request: { status: 400, title: 'The request does not fit its description' },
  invalid_json: { status: 400, title: 'The body is not JSON' },
  invalid_status: { status: 400, title: 'The status is none of all, available, active' },
  unsupported_media_type: { status: 415, title: 'The body must be application/json' },
  body_too_large: { status: 413, title: 'The body is too large' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  cross_site: { status: 403, title: 'A page of another site may not change anything here' },
  bad_request: { status: 400, title: 'This is not HTTP' },
  no_such_route: { status: 404, title: 'There is no such route' },
  method_not_allowed: { status: 405, title: 'The route has no such method' },
  internal_error: { status: 500, title: 'A bug of the service: nothing is known of the outcome' },
};

export const problemCodes = Object.keys(problems) as ProblemCode[];
export const statusOf = (code: ProblemCode): ContentfulStatusCode => problems[code].status;
export const titleOf = (code: ProblemCode): string => problems[code].title;

export interface FieldError {
  field: string;
  message: string;
}

/** Members that say more than the code does. */
export interface ProblemDetails {
  detail?: string;
  errors?: FieldError[];
  reason?: string;
  ended_at?: string;
  stage?: string;
}

export function problem(
  code: ProblemCode,
  details: ProblemDetails = {},
  headers: Record<string, string> = {},
): Response {
  const { status, title } = problems[code];
  const body = { type: `urn:leasehold:problem:${code}`, title, status, error: code, ...details };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(status === 503 || status === 429 ? { 'retry-after': retryAfterSeconds } : {}),
      ...headers,
    },
  });
}

export function refusalProblem(refusal: Refusal, headers: Record<string, string> = {}): Response {
  switch (refusal.code) {
    case 'lease_ended':
      return problem(
        'lease_ended',
        {
          reason: refusal.reason,
          ended_at: new Date(refusal.endedAt).toISOString(),
        },
        headers,
      );
    case 'too_late':
      return problem('too_late', { ended_at: new Date(refusal.endedAt).toISOString() }, headers);
    case 'unavailable':
      return problem('unavailable', { stage: refusal.stage });
    case 'not_found':
    case 'token_not_active':
    case 'lease_mismatch':
    case 'lease_proof_required':
    case 'verify_running':
    case 'outcome_unknown':
    case 'idempotency_key_reused':
      return problem(refusal.code, {}, headers);
    case 'idempotency_key_in_use':
      return problem(refusal.code, {}, { 'retry-after': retryAfterSeconds });
    default:
      return refusal satisfies never;
  }
}
