/** Every way to say no over HTTP: RFC 9457 `application/problem+json`, with the code as the member `error`. */
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { written } from '../declared/options-schema.ts';
import type { Reason } from '../lease/fact.ts';
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

export type ProblemCode = Exclude<RefusalCode, 'invalid_options'> | RequestErrorCode;

const retryAfterSeconds = '1';

const problems: Record<ProblemCode, { status: ContentfulStatusCode; title: string }> = {
  not_found: { status: 404, title: 'There is no such token' },
  token_not_active: { status: 404, title: 'Nobody holds this token' },
  lease_mismatch: { status: 409, title: 'The lease is not yours' },
  lease_ended: { status: 410, title: 'The lease has ended' },
  lease_proof_required: { status: 403, title: 'The lease id is needed' },
  token_withdrawn: { status: 409, title: 'The token is being taken out of use: its lease runs out' },
  token_not_withdrawn: { status: 409, title: 'The token is in use as it is' },
  pool_full: { status: 409, title: 'No token is free' },
  no_such_token: { status: 422, title: 'No token of the pool could ever be the one that is asked for' },
  user_limit_reached: { status: 409, title: 'The user holds as many tokens as one user may' },
  queue_full: { status: 429, title: 'As many stand in line as may' },
  wait_expired: { status: 409, title: 'No token came free in time' },
  pool_limit_reached: { status: 409, title: 'The pool has as many tokens as it may' },
  pool_not_elastic: { status: 409, title: 'Tokens of a fixed pool neither come nor go' },
  name_taken: { status: 409, title: 'Another token of the pool has this name' },
  lease_not_found: { status: 404, title: 'There is no such lease, or it ended long ago' },
  pool_not_found: { status: 404, title: 'There is no such pool' },
  pool_exists: { status: 409, title: 'There is such a pool already' },
  too_many_viewers: { status: 429, title: 'As many watch as may' },
  invalid_event_id: { status: 400, title: 'Last-Event-ID must be the seq of an event, or 0' },
  cursor_ahead: { status: 400, title: 'There is no such event yet' },
  clock_not_simulated: { status: 404, title: 'Time is real here: nobody moves it' },
  moment_pruned: { status: 410, title: 'The log does not reach back so far' },
  pool_permanent: { status: 409, title: 'The pool is declared where the service is started' },
  unavailable: { status: 503, title: 'The pool is not served here now' },
  too_late: { status: 503, title: 'The lease was over before it was recorded: nothing is held' },
  verify_running: { status: 429, title: 'The log is being checked for somebody else' },
  outcome_unknown: { status: 503, title: 'The log did not confirm in time: it may yet be recorded' },
  idempotency_key_reused: { status: 422, title: 'The Idempotency-Key was that of another request' },
  idempotency_key_in_use: { status: 409, title: 'The same request is still being answered' },
  invalid_request: { status: 400, title: 'The request does not fit its description' },
  invalid_json: { status: 400, title: 'The body is not JSON' },
  invalid_status: { status: 400, title: 'The status is none that a token can have' },
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
  oldest_seq?: number;
  head_seq?: number;
  /** For clients who read no code. */
  message?: string;
}

export function problem(
  code: ProblemCode,
  details: ProblemDetails = {},
  headers: Record<string, string> = {},
  status: ContentfulStatusCode = statusOf(code),
): Response {
  const { title } = problems[code];
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

/** Another status than elsewhere, and words for clients who read no code. */
interface Saying {
  status?: ContentfulStatusCode;
  message?: string;
}
export type Sayings = Partial<Record<RefusalCode, Saying>>;

/** Options that do not fit are, to who sent them, a request that does not fit. */
export const codeOf = ({ code }: Refusal): ProblemCode =>
  code === 'invalid_options' ? 'invalid_request' : code;

/** What a refusal says beside its code. */
export function refusalMembers(refusal: Refusal): {
  errors?: FieldError[];
  reason?: Reason<'released' | 'expired'>;
  ended_at?: string;
  stage?: string;
  detail?: string;
  oldest_seq?: number;
  head_seq?: number;
} {
  if (refusal.code === 'invalid_options')
    return { errors: refusal.errors.map(({ option, message }) => ({ field: written(option), message })) };
  const { reason, endedAt, stage, detail, oldestSeq, head } = refusal as {
    reason?: Reason<'released' | 'expired'>;
    endedAt?: number;
    stage?: string;
    detail?: string;
    oldestSeq?: number;
    head?: number;
  };
  return {
    ...(reason !== undefined && { reason }),
    ...(endedAt !== undefined && { ended_at: new Date(endedAt).toISOString() }),
    ...(stage !== undefined && { stage }),
    ...(detail !== undefined && { detail }),
    ...(oldestSeq !== undefined && { oldest_seq: oldestSeq }),
    ...(head !== undefined && { head_seq: head }),
  };
}

/** The errors of all fields in one line. */
export const inOneLine = (errors: readonly FieldError[]): string =>
  errors.map(({ field, message }) => `${field}: ${message}`).join('; ');

export function refusalProblem(
  refusal: Refusal,
  headers: Record<string, string> = {},
  said: Saying = {},
): Response {
  const members = refusalMembers(refusal);
  const detail = members.errors && { detail: inOneLine(members.errors) };
  const retry = comesRight.has(refusal.code) ? { 'retry-after': retryAfterSeconds } : {};
  const { status, ...message } = said;
  return problem(codeOf(refusal), { ...detail, ...members, ...message }, { ...headers, ...retry }, status);
}

/** Refusals, other than 429 and 503, after which the same request may soon be granted. */
const comesRight: ReadonlySet<RefusalCode> = new Set<RefusalCode>([
  'idempotency_key_in_use',
  'pool_full',
  'wait_expired',
]);
