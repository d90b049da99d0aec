/**
 * The supervisor of a pool's tokens: starts one actor per token, chooses the token for each newcomer, and says
 * what the service is doing. Owns the order of use. Knows no HTTP, no SQL and no clock.
 */
import { type ActorRefFromLogic, assign, enqueueActions, sendTo, setup } from 'xstate';
import type { Allocate, Command, Release, Renew } from '../lease/command.ts';
import type { Reason } from '../lease/fact.ts';
import type { TokenState } from '../lease/lease.ts';
import type { MachineRefusalCode } from '../lease/refusal.ts';
import { type TokenCommand, type TokenNews, tokenMachine } from '../token/token-machine.ts';
import { Deadlines } from './deadlines.ts';
import { type Entry, OrderOfUse } from './order-of-use.ts';

export type TokenActor = ActorRefFromLogic<typeof tokenMachine>;

export interface PoolContext {
  /** Whether renewing and releasing take the lease id; without it, the token's id alone suffices. */
  proofRequired: boolean;
  /** The number of the last fact: every one is either ordered here or told here. */
  seq: number;
  // Not plain JSON, both rebuilt from the log's tokens: what makes every step O(1).
  order: OrderOfUse<TokenActor>;
  deadlines: Deadlines<Entry<TokenActor>>;
}

export interface PoolInput {
  proofRequired: boolean;
}

/**
 * How many tokens one event recalls or expires at the most; the host repeats it until all are done. XState
 * takes the effects of an event from the front of one array, which V8 does in quadratic time for long ones.
 */
export const portion = 10_000;

export type PoolEvent =
  | Command
  | TokenNews
  /** Ends every lease whose deadline has passed by `at` though its timer has not fired. */
  | { type: 'SWEEP'; at: number }
  /** This process holds the pool, from the fact `seq` on. */
  | { type: 'OPENED'; seq: number }
  /** Starts the next tokens of the pool: the free ones before all others, each in the order in which they were last freed or used. */
  | { type: 'ENROL'; at: number; tokens: readonly TokenState[] }
  /** Another process holds the pool. */
  | { type: 'STAND_BY' }
  | { type: 'JOURNAL_LOST' }
  | { type: 'JOURNAL_BACK' }
  /** Another process has opened the pool: whatever this one believes is history. */
  | { type: 'FENCED' }
  | { type: 'STOP' };

const notProvided = (action: string) => () => {
  throw new Error(`the host of the pool machine provides no action '${action}'`);
};

const poolSetup = setup({
  types: { context: {} as PoolContext, events: {} as PoolEvent, input: {} as PoolInput },
  actors: { token: tokenMachine },
  guards: {
    someTokenIsFree: ({ context }) => context.order.available > 0,
    proofIsMissing: ({ context }, { leaseId }: Renew | Release) =>
      context.proofRequired && leaseId === undefined,
    tokenIsKnown: ({ context }, { tokenId }: { tokenId: string }) => context.order.get(tokenId) !== undefined,
  },
  actions: {
    /** Provided by the host: answers the caller. */
    refuse: notProvided('refuse') as (_: unknown, refusal: { code: MachineRefusalCode }) => void,

    beginAt: assign((_, { seq }: { seq: number }) => ({ seq })),
    startTokens: assign(
      ({ context, spawn }, { at, tokens }: { at: number; tokens: readonly TokenState[] }) => {
        for (const { tokenId, lease } of tokens) {
          const actor = spawn('token', { id: tokenId, input: { tokenId, lease, at } });
          const entry = context.order.add(tokenId, actor, lease !== null);
          if (lease !== null) context.deadlines.set(entry, lease.expiresAt);
        }
        return {};
      },
    ),
    chooseLongestFree: assign(({ context }, newcomer: Allocate) =>
      use(context, context.order.longestFree!, newcomer.at + newcomer.ttlMs, 1),
    ),
    chooseLeastRecentlyUsed: assign(({ context }, newcomer: Allocate) =>
      // Two facts: its lease ends, and the newcomer's begins.
      use(context, context.order.leastRecentlyUsed!, newcomer.at + newcomer.ttlMs, 2),
    ),
    /** To the token just chosen, which is the one used last. */
    grant: sendTo(
      ({ context }) => context.order.mostRecentlyUsed!.actor,
      ({ context }, newcomer: Allocate): TokenCommand => ({
        type: 'ALLOCATE',
        at: newcomer.at,
        lease: {
          leaseId: newcomer.leaseId,
          userId: newcomer.userId,
          // The grant is the last fact that is known: its seq is the fence.
          fence: context.seq,
          activatedAt: newcomer.at,
          expiresAt: newcomer.at + newcomer.ttlMs,
          ttlMs: newcomer.ttlMs,
          metadata: newcomer.metadata,
        },
      }),
    ),
    passOn: sendTo(
      ({ context }, { tokenId }: Renew | Release) => context.order.get(tokenId)!.actor,
      (_, command): TokenCommand => command,
    ),
    noteUsed: assign(({ context }, { tokenId, expiresAt }: { tokenId: string; expiresAt: number }) =>
      use(context, context.order.get(tokenId)!, expiresAt, 1),
    ),
    noteFreed: assign(({ context }, { tokenId }: { tokenId: string }) =>
      free(context, [context.order.get(tokenId)!]),
    ),
  },
});

type Enqueue = Parameters<Parameters<typeof poolSetup.enqueueActions>[0]>[0];

export const poolMachine = poolSetup
  .extend({
    actions: {
      /** Tells the tokens in use to end their leases, the least recently used first. */
      recallAll: enqueueActions(
        ({ context, enqueue }: Enqueue, { at, reason }: { at: number; reason: Reason<'released'> }) => {
          const inUse = context.order.inUse(portion);
          for (const { actor } of inUse) enqueue.sendTo(actor, { type: 'RECALL', at, reason });
          enqueue.assign(({ context }) => free(context, inUse));
        },
      ),
      expirePassed: enqueueActions(({ context, enqueue }: Enqueue, { at }: { at: number }) => {
        for (const { actor } of context.deadlines.passed(at, portion))
          enqueue.sendTo(actor, { type: 'EXPIRE', at });
      }),
    },
  })
  .createMachine({
    id: 'pool',
    context: ({ input }) => ({ ...input, seq: 0, order: new OrderOfUse(), deadlines: new Deadlines() }),
    initial: 'starting',
    on: {
      ALLOCATE: { actions: { type: 'refuse', params: { code: 'unavailable' } } },
      RENEW: { actions: { type: 'refuse', params: { code: 'unavailable' } } },
      RELEASE: { actions: { type: 'refuse', params: { code: 'unavailable' } } },
      RELEASE_ALL: { actions: { type: 'refuse', params: { code: 'unavailable' } } },
      SWEEP: { actions: { type: 'expirePassed', params: ({ event }) => event } },
      USED: { actions: { type: 'noteUsed', params: ({ event }) => event } },
      FREED: { actions: { type: 'noteFreed', params: ({ event }) => event } },
      STOP: '.stopping',
    },
    states: {
      starting: {
        on: {
          OPENED: { target: 'serving', actions: { type: 'beginAt', params: ({ event }) => event } },
          STAND_BY: 'standby',
        },
      },
      standby: {
        on: {
          OPENED: { target: 'serving', actions: { type: 'beginAt', params: ({ event }) => event } },
        },
      },
      serving: {
        on: {
          ENROL: { actions: { type: 'startTokens', params: ({ event }) => event } },
          ALLOCATE: [
            {
              guard: 'someTokenIsFree',
              actions: [
                { type: 'chooseLongestFree', params: ({ event }) => event },
                { type: 'grant', params: ({ event }) => event },
              ],
            },
            {
              actions: [
                { type: 'chooseLeastRecentlyUsed', params: ({ event }) => event },
                { type: 'grant', params: ({ event }) => event },
              ],
            },
          ],
          RENEW: [
            {
              guard: { type: 'proofIsMissing', params: ({ event }) => event },
              actions: { type: 'refuse', params: { code: 'lease_proof_required' } },
            },
            {
              guard: { type: 'tokenIsKnown', params: ({ event }) => event },
              actions: { type: 'passOn', params: ({ event }) => event },
            },
            { actions: { type: 'refuse', params: { code: 'not_found' } } },
          ],
          RELEASE: [
            {
              guard: { type: 'proofIsMissing', params: ({ event }) => event },
              actions: { type: 'refuse', params: { code: 'lease_proof_required' } },
            },
            {
              guard: { type: 'tokenIsKnown', params: ({ event }) => event },
              actions: { type: 'passOn', params: ({ event }) => event },
            },
            { actions: { type: 'refuse', params: { code: 'not_found' } } },
          ],
          RELEASE_ALL: { actions: { type: 'recallAll', params: ({ event }) => event } },
          JOURNAL_LOST: 'degraded',
          FENCED: 'fenced',
        },
      },
      degraded: {
        on: { JOURNAL_BACK: 'serving', FENCED: 'fenced' },
      },
      stopping: {},
      // Not a final state: XState stops the children of a final one one by one, each time copying all of them.
      fenced: {},
    },
  });

/** The token is the most recently used now, until `expiresAt`; `facts` have been added to the log. */
function use(
  { order, deadlines, seq }: PoolContext,
  entry: Entry<TokenActor>,
  expiresAt: number,
  facts: number,
): { seq: number } {
  order.use(entry);
  deadlines.set(entry, expiresAt);
  return { seq: seq + facts };
}

/** The tokens have been freed, in this order, by one fact each. */
function free({ order, deadlines, seq }: PoolContext, entries: Entry<TokenActor>[]): { seq: number } {
  for (const entry of entries) {
    order.free(entry);
    deadlines.clear(entry);
  }
  return { seq: seq + entries.length };
}
