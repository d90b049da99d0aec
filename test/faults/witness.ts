/**
 * Which facts each operation led to. What was acknowledged is in the log exactly once [I14], what was refused or said to
 * be undone left nothing there [I4] [I17], and nothing is there that nobody asked for [I8]. The places in the log are the
 * witness for the order in which the changes took place.
 */
import { Bounds } from './bounds.ts';
import type { LoggedFact, Operation, Violation } from './history.ts';
import type { Replay } from './replay.ts';

/** An operation that changed something, and the facts that say so, which are one step. */
export interface Change {
  operation: Operation;
  firstSeq: number;
  lastSeq: number;
}

export interface Witness {
  changes: Change[];
  violations: Violation[];
}

export function witnessOf(operations: readonly Operation[], replay: Replay): Witness {
  const found = new Finding(replay);
  const of = (kind: string) => operations.filter((operation) => operation.kind === kind);
  found.grants(of('allocate'));
  found.frame();
  found.ofLeases(of('renew'), 'renewed', 'renewed_by_client');
  found.ofLeases(of('release'), 'released', 'released_by_client');
  found.cleanups(of('release_all'));
  found.changes.sort((a, b) => a.lastSeq - b.lastSeq);
  return found;
}

class Finding implements Witness {
  readonly changes: Change[] = [];
  readonly violations: Violation[] = [];
  readonly #replay: Replay;
  #bounds: Bounds;

  constructor(replay: Replay) {
    this.#replay = replay;
    this.#bounds = new Bounds([], replay);
  }

  /** From here on, nothing is matched with what was asked for after it, or answered before: grants leave no doubt. */
  frame(): void {
    this.#bounds = new Bounds(this.changes, this.#replay);
  }

  /** Each grant names a user who was made for one operation. */
  grants(operations: readonly Operation[]): void {
    const byUser = groupBy(operations, ({ userId }) => userId);
    const granted = groupBy(this.#facts('activated'), ({ userId }) => userId);
    for (const [userId, facts] of granted) {
      const [fact, ...more] = facts as [LoggedFact, ...LoggedFact[]];
      this.#match([fact], byUser.get(userId) ?? [], `the grant to ${userId}`);
      if (more.length > 0) this.violations.push(`I9: ${userId} asked once and got ${facts.length} leases`);
    }
    for (const operation of operations) {
      if (operation.outcome === 'done' && !granted.has(operation.userId))
        this.violations.push(`I14: ${said(operation)}, and the log has no such grant`);
    }
  }

  /** Facts of one lease, whose operations were asked for one after the other. */
  ofLeases(operations: readonly Operation[], type: string, reason: string): void {
    const facts = groupBy(
      this.#facts(type).filter((fact) => fact.reason === reason),
      ({ fence }) => fence,
    );
    const asked = groupBy(operations, ({ fence }) => fence);
    for (const fence of new Set([...facts.keys(), ...asked.keys()])) {
      if (fence === null) continue;
      const steps = (facts.get(fence) ?? []).map((fact) => [fact]);
      this.#matchInOrder(steps, asked.get(fence) ?? [], `'${type}' of lease ${fence}`);
    }
    for (const operation of asked.get(null) ?? [])
      if (operation.outcome === 'done') this.violations.push(`I4: ${said(operation)}, without any lease`);
  }

  /** Asked for by one client, one after the other. */
  cleanups(operations: readonly Operation[]): void {
    const steps: LoggedFact[][] = [];
    for (const fact of this.#facts('released')) {
      if (fact.reason !== 'cleanup') continue;
      const step = steps.at(-1);
      if (step?.at(-1)?.seq === fact.seq - 1) step.push(fact);
      else steps.push([fact]);
    }
    const changing = operations.filter(({ answer }) => answer?.body.released !== 0);
    this.#matchInOrder(steps, changing, 'the clean-ups');
  }

  #facts(type: string): LoggedFact[] {
    return this.#replay.log.filter((fact) => fact.type === type);
  }

  /** Each step is one operation's; each that was done has its step; order is kept. */
  #matchInOrder(steps: readonly LoggedFact[][], operations: readonly Operation[], what: string): void {
    const able = operations.filter(({ outcome }) => outcome === 'done' || outcome === 'unknown');
    const matched = matchInOrder(steps, able, 0, 0, this.#bounds);
    if (matched === null) {
      const seqs = steps.map((step) => step[0]!.seq).join(', ');
      const answers = operations.map(said).join('; ');
      this.violations.push(`I14 I17: ${what} at seq [${seqs}] are not what was answered: ${answers}`);
    } else for (const [step, operation] of matched) this.#note(step, operation);
  }

  #match(step: LoggedFact[], operations: readonly Operation[], what: string): void {
    const able = operations.filter(({ outcome }) => outcome === 'done' || outcome === 'unknown');
    if (operations.length === 0) this.violations.push(`I8: nobody asked for ${what} at seq ${step[0]!.seq}`);
    else if (able.length !== 1)
      this.violations.push(`I17: ${what} is at seq ${step[0]!.seq}, but ${operations.map(said).join('; ')}`);
    else if (!fits(step, able[0]!))
      this.violations.push(`I14: ${what} at seq ${step[0]!.seq} is not what was answered: ${said(able[0]!)}`);
    else this.#note(step, able[0]!);
  }

  #note(step: readonly LoggedFact[], operation: Operation): void {
    const evicts = step[0]!.reason === 'allocated_after_eviction';
    const firstSeq = step[0]!.seq - (evicts ? 1 : 0);
    this.changes.push({ operation, firstSeq, lastSeq: step.at(-1)!.seq });
    const evicted = operation.answer?.body.evicted as { user_id: string } | null | undefined;
    const before = evicts ? this.#replay.fact(firstSeq)?.userId : undefined;
    if (operation.kind === 'allocate' && evicted !== undefined && evicted?.user_id !== before)
      this.violations.push(`I7: ${said(operation)} names ${evicted?.user_id} as evicted, the log ${before}`);
  }
}

type Matched = [LoggedFact[], Operation][];

/** Operations of which nothing is known may be skipped, and no other; null if there is no way. */
function matchInOrder(
  steps: readonly LoggedFact[][],
  operations: readonly Operation[],
  fromStep: number,
  fromOperation: number,
  bounds: Bounds,
): Matched | null {
  const matched: Matched = [];
  let step = fromStep;
  for (let index = fromOperation; index < operations.length; index++) {
    const operation = operations[index]!;
    const fitting =
      step < steps.length && isWithin(bounds, steps[step]!, operation) && fits(steps[step]!, operation);
    if (operation.outcome === 'unknown') {
      const without = matchInOrder(steps, operations, step, index + 1, bounds);
      if (without) return [...matched, ...without];
    }
    if (!fitting) return null;
    matched.push([steps[step]!, operation]);
    step++;
  }
  return step === steps.length ? matched : null;
}

function isWithin(
  bounds: Bounds,
  step: readonly LoggedFact[],
  { askedAt, answeredAt, outcome }: Operation,
): boolean {
  // Of what was done it is for the check of the order to say that it stands in the wrong place.
  if (outcome === 'done') return true;
  return step[0]!.seq > bounds.lowest(askedAt) && step.at(-1)!.seq <= bounds.highest(answeredAt);
}

/** Whether the answer, where there is one, says what the log says. */
function fits(step: readonly LoggedFact[], { kind, answer }: Operation): boolean {
  if (answer === null || answer.error === 'lease_ended') return true;
  const fact = step[0]!;
  const { body, error, replayed } = answer;
  if (error === 'too_late') return Date.parse(body.ended_at as string) === fact.expiresAt;
  if (kind === 'release_all') return body.released === step.length;
  if (body.token_id !== fact.tokenId || body.user_id !== fact.userId) return false;
  if (kind === 'release') return true;
  // The deadline of a lease that is shown again may have been moved since.
  const isMoved = !replayed && Date.parse(body.expires_at as string) !== fact.expiresAt;
  if (body.fence !== fact.fence || isMoved) return false;
  return kind === 'renew' || Date.parse(body.activated_at as string) === fact.at;
}

export const said = ({ kind, userId, fence, key, calls }: Operation): string => {
  const answers = calls.map(({ answer }) =>
    answer ? `${answer.status} ${answer.error ?? ''}`.trim() : 'none',
  );
  return `${kind} (${userId ?? fence ?? ''}${key ? `, key ${key}` : ''}) was answered ${answers.join(', ')}`;
};

export function groupBy<T, K>(members: Iterable<T>, keyOf: (member: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const member of members) {
    const group = groups.get(keyOf(member));
    if (group) group.push(member);
    else groups.set(keyOf(member), [member]);
  }
  return groups;
}
