/** What the page knows: the pools, the one that is shown, now and at the moment that is looked at. Others read it; they change it by the functions here and in travel.ts. */
import { batch, computed, effect, signal } from '@preact/signals';
import { elapsedMs } from '../../../clock.ts';
import type { WireFact, WirePool, WireQueue, WireSnapshot } from '../wire.ts';
import { type Connection, next, type Seen } from './connection.ts';
import { Live } from './live.ts';
import { carryOn, type Picture, pictureOf } from './picture.ts';
import { ask, poolPath } from './requests.ts';
import { notBefore, nowBy, type ServiceTime } from './service-time.ts';
import { addressOf, whereIn } from './where.ts';

const begun = whereIn(location.search);

export const pools = signal<readonly WirePool[]>([]);
export const poolName = signal(begun.pool);
export const connection = signal<Connection>({ kind: 'connecting' });
export const chosenToken = signal<string | null>(begun.token);
/** The seq of the moment that is looked at; null: now. */
export const travelledTo = signal<number | null>(begun.seq);
/** The pool as it was then, once it is known. */
export const pastPicture = signal<Picture | null>(null);
export const queue = signal<WireQueue | null>(null);
export const clockKind = signal<'system' | 'simulated'>('system');

/** Another answer after each change, of a picture that is changed in place. */
export const latest = signal<{ picture: Picture } | null>(null);
/** How many snapshots have come: with each, facts may have been passed over. */
export const snapshots = signal(0);
const time = signal<ServiceTime>({ now: 0, heardMs: 0, clock: 'system' });

export const headSeq = computed(() => latest.value?.picture.seq ?? null);
export const oldestSeq = computed(() => latest.value?.picture.oldestSeq ?? null);
export const isPast = computed(() => travelledTo.value !== null);

/** Whether something can be done to the pool: it is seen as it is now, and answers. */
export const canAct = computed(() => !isPast.value && connection.value.kind === 'live');

/** What is drawn: the pool now, or as it was. */
export const shown = computed<{ picture: Picture } | null>(() => {
  if (!isPast.value) return latest.value;
  return pastPicture.value && { picture: pastPicture.value };
});

/** What the service's clock says by now, in epoch milliseconds; in the past, when that was. */
export function serviceNow(): number {
  const past = travelledTo.peek() === null ? null : pastPicture.peek();
  return past?.at ?? nowBy(time.peek(), elapsedMs());
}
export const liveNow = (): number => nowBy(time.peek(), elapsedMs());

/** Whoever wants each fact of the pool that is shown as it comes: flashes, the panel of a token. `before`: the status of its token until then. */
export type Heard = (fact: WireFact, before: Picture) => void;
const hearers = new Set<Heard>();
export function hear(hearer: Heard): () => void {
  hearers.add(hearer);
  return () => hearers.delete(hearer);
}

function began(snapshot: WireSnapshot): void {
  batch(() => {
    latest.value = { picture: pictureOf(snapshot) };
    snapshots.value++;
    clockKind.value = snapshot.clock;
    time.value = { now: Date.parse(snapshot.now), heardMs: elapsedMs(), clock: snapshot.clock };
  });
}

function happened(facts: WireFact[]): boolean {
  const picture = latest.peek()?.picture;
  if (picture === undefined) return false;
  let isWhole = true;
  batch(() => {
    for (const fact of facts) {
      if (fact.seq <= picture.seq) continue;
      for (const hearer of hearers) hearer(fact, picture);
      isWhole = carryOn(picture, fact);
      if (!isWhole) break;
      time.value = notBefore(time.value, Date.parse(fact.at), elapsedMs());
    }
    latest.value = { picture };
  });
  return isWhole;
}

const saw = (seen: Seen): void => {
  connection.value = next(connection.value, seen);
};

let following: Live | null = null;
/** Long enough to go through one's tabs, and no longer: a browser has six connections to one host, and other tabs need them. */
const restMs = 1000;

/** Shows another pool, as it is now. */
export function choosePool(name: string): void {
  following?.end();
  batch(() => {
    if (name !== poolName.value) {
      chosenToken.value = null;
      travelledTo.value = null;
    }
    poolName.value = name;
    pastPicture.value = null;
    queue.value = null;
    connection.value = { kind: 'connecting' };
    latest.value = null;
  });
  following = new Live(name, { began, happened, saw });
  void lookAround();
}

/** Says by hand what a simulated clock shows. */
export function clockSays(now: number): void {
  time.value = { ...time.value, now: Math.max(now, time.value.now), heardMs: elapsedMs() };
}

export function choose(tokenId: string | null): void {
  chosenToken.value = tokenId;
}

/** The counts of the list, and who waits; where nothing answers, what was known stays. */
export async function lookAround(): Promise<void> {
  const pool = poolName.value;
  // Whoever follows the pool finds out when it answers again.
  if ('tries' in connection.value) return;
  const [list, line] = await Promise.all([
    ask<{ pools: WirePool[] }>('/api/pools'),
    // Of what is not there nothing is asked.
    connection.value.kind === 'no_pool' ? null : ask<WireQueue>(poolPath(pool, '/queue?limit=20')),
  ]);
  if (pool !== poolName.value) return;
  batch(() => {
    if ('ok' in list) {
      pools.value = list.ok.pools;
      // What was refused until now need not wait for its next try.
      if (connection.value.kind === 'stage') void following?.renew();
      saw({ seen: 'stage', stage: 'serving' });
    } else if ('problem' in list && list.problem.stage !== undefined)
      saw({ seen: 'stage', stage: list.problem.stage });
    if (line !== null && 'ok' in line) queue.value = line.ok;
  });
}

/** A browser lets a page change its address so often only; dragging the slider would be more often. */
const addressMs = 150;

export const addressNow = (): string =>
  addressOf({ pool: poolName.value, seq: travelledTo.value, token: chosenToken.value });

/** From now on the address says what is shown. */
export function keepAddress(): void {
  effect(() => {
    const address = addressNow();
    const pause = setTimeout(() => history.replaceState(null, '', address), addressMs);
    return () => clearTimeout(pause);
  });
}

/** Whoever looks at something else for long takes no connection; what was missed is asked for when they are back. */
export function restUnseen(): void {
  let rest: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(rest);
    if (document.visibilityState === 'hidden') rest = setTimeout(() => following?.rest(), restMs);
    else following?.wake();
  });
}
