/** What the supervisor of a pool knows and hears. */
import type { ActorRefFromLogic } from 'xstate';
import type { Command } from '../lease/command.ts';
import type { TokenState, TokenTraits } from '../lease/lease.ts';
import type { PoolOptions } from '../lease/pool-options.ts';
import type { TokenNews } from '../token/token.ts';
import type { tokenMachine } from '../token/token-machine.ts';
import type { Deadlines } from './deadlines.ts';
import type { Line } from './line.ts';
import type { OrderOfUse } from './order-of-use.ts';
import type { Prospects } from './prospects.ts';
import type { Entry } from './use-list.ts';

export type TokenActor = ActorRefFromLogic<typeof tokenMachine>;
export type TokenEntry = Entry<TokenActor>;

export interface PoolContext {
  options: PoolOptions;
  /** Whether renewing and releasing take the lease id; without it, the token's id alone suffices. */
  proofRequired: boolean;
  /** The number of the last fact: every one is either ordered here or told here. */
  seq: number;
  // Not plain JSON. The first two are rebuilt from the log's tokens, and make every step O(1); the line and its prospects end with the process.
  order: OrderOfUse<TokenActor>;
  deadlines: Deadlines<TokenEntry>;
  line: Line;
  prospects: Prospects;
  /** Tokens that have not been told yet what the options mean for them, while they are being told. */
  unsettled: { entry: TokenEntry; leaves: boolean }[];
}

export type PoolInput = Pick<PoolContext, 'options' | 'proofRequired'>;

/**
 * How many tokens one event recalls, expires, grants or settles at the most; the host repeats it until all are done.
 * XState takes the effects of an event from the front of one array, which V8 does in quadratic time for long ones.
 */
export const portion = 10_000;

/** How many tokens are started at a time: for each time XState copies the list of all that there are. */
const started = 5000;

export function* slices<T>(tokens: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < tokens.length; from += started) yield tokens.slice(from, from + started);
}

export type PoolEvent =
  | Command
  | TokenNews
  /** Does what is due by `at` though its timer has not fired. */
  | { type: 'SWEEP'; at: number }
  /** Grants what is free to those who wait. */
  | { type: 'SERVE'; at: number }
  /** This process holds the pool, from the fact `seq` on. */
  | { type: 'OPENED'; seq: number; options: PoolOptions }
  /** Starts the next tokens of the pool: the free ones before all others, each in the order in which they were last freed or used. */
  | { type: 'ENROL'; at: number; tokens: readonly TokenState[] }
  /** Creates the next tokens that a change of the options has made room for. */
  | { type: 'GROW'; at: number; tokens: readonly TokenTraits[] }
  /** Lets the tokens go by the options, a portion of them: those that there is no place for leave. */
  | { type: 'SETTLE'; at: number }
  /** Another process holds the pool. */
  | { type: 'STAND_BY' }
  | { type: 'JOURNAL_LOST' }
  | { type: 'JOURNAL_BACK' }
  /** Another process has opened the pool: whatever this one believes is history. */
  | { type: 'FENCED' }
  | { type: 'STOP' };

/** What becomes of a pool from outside. */
export type Lifecycle = Extract<
  PoolEvent,
  { type: 'STAND_BY' | 'JOURNAL_LOST' | 'JOURNAL_BACK' | 'FENCED' | 'STOP' }
>;
