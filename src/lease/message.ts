/** What passes between route, supervisor, line, tokens and journal: to be looked at, and nothing else. Plain data, no lease id. */

export const parties = ['route', 'clock', 'pool', 'line', 'journal', 'token'] as const;
/** `clock`: a timer that fired. */
export type Party = (typeof parties)[number];

/** One command, one timer, one serving of the line, or one commit. Its answer belongs to it, however much later that is given. */
export interface Step {
  /** Rises from step to step of a pool, for as long as this process serves it. */
  number: number;
  /** How many messages it has had. */
  told: number;
  /** Whom and what it is about, as far as is known by now. */
  userId: string | null;
  tokenId: string | null;
  /** Of its newest fact. */
  seq: number | null;
}

export interface Message {
  step: number;
  /** From 1 on within its step. */
  n: number;
  at: number;
  from: Party;
  to: Party;
  message: string;
  tokenId: string | null;
  userId: string | null;
  detail: Details;
}

/** Of words, numbers and instants alone. */
export type Detail = string | number | boolean | null;
export type Details = Record<string, Detail | Record<string, Detail>>;

/** What is told of a pool: messages, or how many were left out because there were too many. */
export type Told = { message: Message } | { dropped: { messages: number; steps: number } };
