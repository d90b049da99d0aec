/**
 * What those who asked a pool beside the default one were told, against its log. Each of them asked once, so that
 * the log knows by the user whose grant it is: [I9] [I10] [I14].
 */
import { type Call, type LoggedFact, type Operation, operationsOf, type Violation } from './history.ts';

/** Somebody who has hung up, by the clock of `Call`. */
export interface Departure {
  userId: string;
  at: number;
}

/** A process that was stopped meanwhile hears so late that somebody has gone. */
const hearsWithinMs = 4000;

export function checkLine(
  calls: readonly Call[],
  departures: readonly Departure[],
  log: readonly LoggedFact[],
): Violation[] {
  const grants = new Map<string, LoggedFact[]>();
  for (const fact of log)
    if (fact.type === 'activated') grants.set(fact.userId!, [...(grants.get(fact.userId!) ?? []), fact]);
  const operations = operationsOf(calls);
  return [
    ...operations.flatMap((operation) =>
      operation.kind === 'allocate' ? checkGrant(operation, grants.get(operation.userId!) ?? []) : [],
    ),
    ...checkReleases(operations, log),
    ...checkDepartures(operations, departures, grants),
  ];
}

function checkGrant({ userId, outcome, answer }: Operation, grants: readonly LoggedFact[]): Violation[] {
  const found: Violation[] = [];
  if (grants.length > 1) found.push(`I9: ${userId} asked once and was granted ${grants.length} leases`);
  if (outcome === 'done' && grants.length === 0) found.push(`I14: the lease of ${userId} is not in the log`);
  if ((outcome === 'refused' || outcome === 'nothing') && grants.length > 0)
    found.push(
      `I10: ${userId} was refused ('${answer?.error}'), and granted a lease at seq ${grants[0]!.seq}`,
    );
  const { token, token_id = token, fence } = answer?.body ?? {};
  const [grant] = grants;
  if (
    grant &&
    answer?.status === 200 &&
    (grant.tokenId !== token_id || grant.fence !== (fence ?? grant.fence))
  )
    found.push(
      `I14: ${userId} was told of token ${token_id}, lease ${fence}, but has another one in the log`,
    );
  return found;
}

function checkReleases(operations: readonly Operation[], log: readonly LoggedFact[]): Violation[] {
  const released = new Set(log.filter(({ type }) => type === 'released').map(({ fence }) => fence));
  return operations
    .filter(({ kind, outcome, fence }) => kind === 'release' && outcome === 'done' && !released.has(fence))
    .map(({ fence }) => `I14: the release of lease ${fence} is not in the log`);
}

/** Who has gone is granted nothing after somebody who asked well after that. */
function checkDepartures(
  operations: readonly Operation[],
  departures: readonly Departure[],
  grants: ReadonlyMap<string, readonly LoggedFact[]>,
): Violation[] {
  const later = operations.filter(({ kind, outcome }) => kind === 'allocate' && outcome === 'done');
  return departures.flatMap(({ userId, at }) =>
    (grants.get(userId) ?? [])
      .filter(({ seq }) =>
        later.some(
          (other) => other.askedAt > at + hearsWithinMs && (grants.get(other.userId!)?.[0]?.seq ?? seq) < seq,
        ),
      )
      .map(({ seq }) => `I10: ${userId} had gone, and was granted a lease at seq ${seq}`),
  );
}
