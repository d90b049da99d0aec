/** A step in words, and where its arrows go. Pure. */
import { duration, shortId, timeOfDay } from '../format.ts';
import { type Details, type Message, type Party, parties } from './shapes.ts';
import type { Step } from './step-buffer.ts';

export interface Lifeline {
  party: Party;
  /** Whose it is, where there are many of its kind. */
  tokenId: string | null;
  name: string;
}

export interface Arrow {
  message: Message;
  /** Places of lifelines. */
  from: number;
  to: number;
}

/** How a token is called. */
export type NameOf = (tokenId: string) => string;

/** Tokens with a lifeline of their own; more share one. */
export const tokensMax = 3;

/** Lifelines from left to right: of everybody who is there in each step, of the line where it has a part, and of each token. */
export function sequenceOf(
  messages: readonly Message[],
  nameOf: NameOf = shortId,
): { lifelines: Lifeline[]; arrows: Arrow[] } {
  const isOfToken = ({ from, to }: Message) => from === 'token' || to === 'token';
  const all = [...new Set(messages.filter(isOfToken).map(({ token_id }) => token_id))];
  const tokens = all.slice(0, all.length > tokensMax ? tokensMax - 1 : tokensMax);
  const hasLine = messages.some(({ from, to }) => from === 'line' || to === 'line');
  const lifelines = parties.flatMap((party): Lifeline[] => {
    if (party !== 'token') return party === 'line' && !hasLine ? [] : [{ party, tokenId: null, name: party }];
    if (all.length === 0) return [{ party, tokenId: null, name: 'token' }];
    const own = tokens.map((tokenId) => ({ party, tokenId, name: tokenInStep(tokenId, nameOf) }));
    const shared = all.length - tokens.length;
    return shared === 0 ? own : [...own, { party, tokenId: null, name: `${shared} other tokens` }];
  });
  const placeOf = (party: Party, tokenId: string | null): number => {
    const own = lifelines.findIndex(
      (one) => one.party === party && (party !== 'token' || one.tokenId === tokenId),
    );
    return own >= 0 ? own : lifelines.findLastIndex((one) => one.party === party);
  };
  const arrows = messages.map((message) => ({
    message,
    from: placeOf(message.from, message.token_id),
    to: placeOf(message.to, message.token_id),
  }));
  return { lifelines, arrows };
}

/** What a step was about and what came of it: `ALLOCATE → evicted → activated → granted`. */
export function titleOf({ messages, more }: Step): string {
  const [first, ...rest] = messages;
  if (first === undefined) return '';
  const grouped = [{ word: shortName(first), times: 1 }];
  const add = (word: string, isAgain: boolean) => {
    const last = grouped.at(-1)!;
    if (last.word !== word) grouped.push({ word, times: 1 });
    else if (isAgain) last.times++;
  };
  const noted = 'refusal' in (first.detail ?? {}) ? [first, ...rest] : rest;
  for (const message of noted) {
    const refusal = message.detail?.refusal;
    if (isFact(message)) add(factWord(message), true);
    // An answer says the same as what led to it.
    else if (refusal !== undefined) add(`refused ${refusal}`, false);
    else if (message.to === 'route') add(message.message, false);
  }
  const told = grouped.map(({ word, times }) => (times > 1 ? `${word} ×${times}` : word));
  const some = told.length > 5 ? [...told.slice(0, 4), '…', told.at(-1)!] : told;
  return some.join(' → ') + (more > 0 ? ' …' : '');
}

/** The newest step that says something of its own: commits come after what is committed. */
export const newestTelling = (steps: readonly Step[]): Step | undefined =>
  steps.find(({ messages }) => messages[0]?.from !== 'journal') ?? steps[0];

/** `route → pool`, with the token by its name. */
export const wayOf = ({ from, to, token_id }: Message, nameOf: NameOf = shortId): string => {
  const called = (party: Party) => (party === 'token' ? tokenInStep(token_id, nameOf) : party);
  return `${called(from)} → ${called(to)}`;
};

/** As it is written at its arrow. */
export const shortName = ({ message }: Message): string =>
  isFact({ message }) ? (message.split(' ')[1] ?? message) : message;

/** What goes with a message, a name and a text each. */
export function detailsOf({ token_id, user_id, detail }: Message): [name: string, text: string][] {
  const given: [string, string][] = Object.entries(detail ?? {}).map(([name, value]) => [
    name,
    textOf(name, value),
  ]);
  return [
    ...(user_id === null ? [] : [['user', user_id] as [string, string]]),
    ...(token_id === null ? [] : [['token', token_id] as [string, string]]),
    ...given.map(([name, text]): [string, string] => [name.replaceAll('_', ' ').replace(/ ms$/, ''), text]),
  ];
}

export const isFact = ({ message }: Pick<Message, 'message'>): boolean => message.startsWith('fact ');

const tokenInStep = (tokenId: string | null, nameOf: NameOf): string =>
  tokenId === null ? 'token' : `token ${nameOf(tokenId)}`;

const factWord = (message: Message): string =>
  /^fact released .*_eviction$/.test(message.message) ? 'evicted' : shortName(message);

function textOf(name: string, value: Details[string]): string {
  if (value !== null && typeof value === 'object') {
    if ('before' in value && 'after' in value) return `${value.before} → ${value.after}`;
    return Object.entries(value)
      .map(([part, one]) => `${part} ${one}`)
      .join(', ');
  }
  if (typeof value === 'number' && name.endsWith('_ms')) return duration(value);
  if (typeof value === 'string' && /_(at|until)$/.test(name) && !Number.isNaN(Date.parse(value)))
    return timeOfDay(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return value === null ? 'none' : String(value);
}
