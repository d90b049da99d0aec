/** What a visitor can do to a pool: ask for a token, and change one. */
import { effect, signal } from '@preact/signals';
import { counted } from '../format.ts';
import type { WireQueue } from '../wire.ts';
import { type Answer, ask, poolPath, problemWords, tell } from './requests.ts';
import { headSeq, poolName, queue } from './store.ts';

/** What became of what was asked last, for people to read. */
export const said = signal<{ words: string; isBad: boolean } | null>(null);

/** A browser has six connections to one host, and one that waits in line keeps its own until it is its turn. */
let free = 2;
const line: (() => void)[] = [];

async function inTurn<T>(begin: () => Promise<T>): Promise<T> {
  if (free > 0) free--;
  else await new Promise<void>((resolve) => line.push(resolve));
  const answer = await begin();
  const next = line.shift();
  if (next) next();
  else free++;
  return answer;
}

let staying = new AbortController();

/** From now on whoever goes to another pool waits in line no longer. */
export function leaveLines(): void {
  effect(() => {
    poolName.value;
    staying.abort();
    staying = new AbortController();
    said.value = null;
  });
}

/** Until then an answer may still come at once. */
const atOnceMs = 150;

/** For a made-up user; a pool in which newcomers wait in line answers when it is their turn, and until then it is said who waits. */
export async function allocate(count = 1): Promise<void> {
  const { signal } = staying;
  const pool = poolName.peek();
  const users = Array.from({ length: count }, visitor);
  if (free === 0)
    said.value = { words: `${users[0]} asks when another one of yours has its answer.`, isBad: false };
  const asked = users.map((user) => inTurn(() => askFor(user, pool, signal)));
  const answers = await Promise.all(asked);
  if (!signal.aborted) said.value = outcome(users, answers);
}

interface Asked {
  answer: Answer<unknown>;
  hasWaited: boolean;
}

async function askFor(user: string, pool: string, signal: AbortSignal): Promise<Asked> {
  let hasWaited = false;
  let isOver = false;
  const look = async () => {
    const line = await ask<WireQueue>(poolPath(pool, '/queue?limit=20'), signal);
    if (isOver || signal.aborted || !('ok' in line)) return;
    const { waiting, total } = line.ok;
    const place = waiting.find(({ user_id }) => user_id === user)?.position;
    // Further back than was asked for, or not in it.
    if (place === undefined && total <= waiting.length) return;
    hasWaited = true;
    queue.value = line.ok;
    said.value = { words: `${user} waits in line, at place ${place ?? `${total} or before`}.`, isBad: false };
  };
  const pause = setTimeout(() => void look(), atOnceMs);
  const answer = await tell<unknown>(poolPath(pool, '/tokens/allocate'), { user_id: user }, signal);
  isOver = true;
  clearTimeout(pause);
  return { answer, hasWaited };
}

function outcome(users: readonly string[], asked: readonly Asked[]): { words: string; isBad: boolean } {
  const granted = asked.filter(({ answer }) => 'ok' in answer);
  const waited = granted.some(({ hasWaited }) => hasWaited) ? ', after waiting in line' : '';
  const to = users.length === 1 ? ` to ${users[0]}` : '';
  const words = `${counted(granted.length, 'token')} allocated${to}${waited}.`;
  const bad = asked.map(({ answer }) => answer).find((answer) => !('ok' in answer));
  if (bad === undefined || 'ok' in bad) return { words, isBad: false };
  const problem = problemWords(bad);
  return { words: users.length === 1 ? `${users[0]}: ${problem}` : `${words} ${problem}`, isBad: true };
}

/** To an elastic pool: those of others stay as they are. */
export async function addToken(): Promise<void> {
  const answer = await tell(poolPath(poolName.peek(), '/tokens'), {});
  said.value =
    'ok' in answer
      ? { words: 'One token added.', isBad: false }
      : { words: problemWords(answer), isBad: true };
}

let visitors: number | null = null;

// One after the other, from where the log was at first: so those of two tabs are rarely the same.
function visitor(): string {
  visitors = (visitors ?? headSeq.peek() ?? 0) + 1;
  return `visitor-${visitors % 1000}`;
}

export type Act = 'release' | 'keep-alive' | 'withdraw' | 'restore';

/** null: it was done; else what kept it. */
export async function act(tokenId: string, what: Act, how?: object): Promise<string | null> {
  const answer: Answer<unknown> = await tell(poolPath(poolName.peek(), `/tokens/${tokenId}/${what}`), how);
  return 'ok' in answer ? null : problemWords(answer);
}
