/** The same Idempotency-Key gives the same answer, and does its work once at most [I9]; no answer is a bug's. */
import type { Answer, Call, Operation, Violation } from './history.ts';
import { isOfTheMoment, outcomeOf, settles } from './history.ts';
import { groupBy, said } from './witness.ts';

/** What is as of the moment in an answer that is otherwise always the same: the lease may have been renewed since. */
const ofTheMoment = new Set(['expires_at', 'expires_in_ms', 'renew_after_ms']);

export function checkKeys(operations: readonly Operation[]): Violation[] {
  const found: Violation[] = [];
  for (const operation of operations) {
    for (const { answer } of operation.calls) {
      if (answer && answer.status >= 500 && answer.status !== 503)
        found.push(`I15: ${said(operation)}: a bug`);
    }
    if (operation.key !== null) found.push(...checkAnswers(operation));
  }
  const keyed = operations.filter(({ key }) => key !== null);
  for (const sharing of groupBy(keyed, ({ key }) => key).values()) found.push(...checkErrors(sharing));
  return found;
}

function checkAnswers(operation: Operation): Violation[] {
  const settled = operation.calls.filter(settles);
  const found: Violation[] = [];
  // How a lease ended, and that it was over too soon, is for the log to confirm.
  const lasting = settled.filter((call) => {
    const isOver = call.answer!.error === 'lease_ended' && isOfTheMoment(call);
    return !isOver && call.answer!.error !== 'too_late';
  });
  const different = new Set(lasting.map(({ answer }) => lastingPart(answer!)));
  if (different.size > 1)
    found.push(`I9: one key, different answers: ${said(operation)}: ${[...different].join(' and ')}`);
  if (settled.filter(({ answer }) => !answer!.replayed).length > 1)
    found.push(`I9: done more than once: ${said(operation)}`);
  return found;
}

const lastingPart = ({ status, body }: Answer): string => {
  const members = Object.entries(body).filter(([name]) => !ofTheMoment.has(name));
  return JSON.stringify([status, ...members.toSorted(([a], [b]) => (a < b ? -1 : 1))]);
};

/** The two refusals that speak of another request with the key: there must have been one. */
function checkErrors(sharing: readonly Operation[]): Violation[] {
  const found: Violation[] = [];
  const calls = sharing.flatMap((operation) => operation.calls);
  for (const operation of sharing) {
    for (const call of operation.calls) {
      const error = call.answer?.error;
      if (error === 'idempotency_key_in_use' && !calls.some((other) => mayBeUnderWay(other, call)))
        found.push(`I9: in use by nobody: ${said(operation)}`);
      const others = sharing.filter((other) => other !== operation).flatMap((other) => other.calls);
      if (error === 'idempotency_key_reused' && !others.some(({ askedAt }) => askedAt < call.answeredAt!))
        found.push(`I9: a key of its own, refused as another's: ${said(operation)}`);
    }
  }
  const done = sharing.filter(({ outcome }) => outcome === 'done');
  if (done.length > 1) found.push(`I9: one key, two things done: ${done.map(said).join('; ')}`);
  return found;
}

/** One that is settled before the other is asked is not under way. One of unknown outcome may be for long. */
const mayBeUnderWay = (other: Call, call: Call): boolean =>
  other !== call &&
  other.askedAt < call.answeredAt! &&
  (outcomeOf(other.answer) === 'unknown' || other.answeredAt! >= call.askedAt);
