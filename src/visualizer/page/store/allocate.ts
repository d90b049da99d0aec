/** What a visitor can do to a pool: ask for a token, and change one. */
import { effect, signal } from '@preact/signals';
import { counted } from '../format.ts';
import { type Answer, poolPath, problemWords, tell } from './requests.ts';
import { headSeq, poolName } from './store.ts';

/** What became of what was asked last, for people to read. */
export const said = signal<{ words: string; isBad: boolean } | null>(null);

/** A browser has six connections to one host, and one that waits in line keeps its own until it is its turn. */
let free = 2;
const line: (() => void)[] = [];

async function inTurn<T>(ask: () => Promise<T>): Promise<T> {
  if (free > 0) free--;
  else await new Promise<void>((resolve) => line.push(resolve));
  const answer = await ask();
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

let visitors = 0;

/** For a made-up user; a pool in which newcomers wait in line answers when it is their turn. */
export async function allocate(count = 1): Promise<void> {
  const pool = poolPath(poolName.peek(), '/tokens/allocate');
  const { signal } = staying;
  const answers = await Promise.all(
    Array.from({ length: count }, () => inTurn(() => tell<unknown>(pool, { user_id: visitor() }, signal))),
  );
  if (signal.aborted) return;
  const bad = answers.find((answer) => !('ok' in answer));
  const granted = answers.filter((answer) => 'ok' in answer).length;
  said.value =
    bad === undefined || 'ok' in bad
      ? { words: `${counted(granted, 'token')} allocated.`, isBad: false }
      : { words: problemWords(bad), isBad: true };
}

/** To an elastic pool: those of others stay as they are. */
export async function addToken(): Promise<void> {
  const answer = await tell(poolPath(poolName.peek(), '/tokens'), {});
  said.value =
    'ok' in answer
      ? { words: 'One token added.', isBad: false }
      : { words: problemWords(answer), isBad: true };
}

// The number goes on with the log, so that two visitors are rarely one.
const visitor = (): string => `visitor-${((headSeq.peek() ?? 0) + visitors++) % 1000}`;

export type Act = 'release' | 'keep-alive' | 'withdraw' | 'restore';

/** null: it was done; else what kept it. */
export async function act(tokenId: string, what: Act, how?: object): Promise<string | null> {
  const answer: Answer<unknown> = await tell(poolPath(poolName.peek(), `/tokens/${tokenId}/${what}`), how);
  return 'ok' in answer ? null : problemWords(answer);
}
