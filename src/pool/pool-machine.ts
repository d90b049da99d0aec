/**
 * The supervisor of a pool's tokens: starts one actor per token, chooses the token for each newcomer, numbers
 * what the tokens report, and says what the service is doing. Owns the order of use. Knows no HTTP, no SQL, no
 * clock; what it wants done in the world leaves it as the named actions `record` and `refuse`.
 */
import { type ActorRefFromLogic, assign, enqueueActions, sendTo, setup } from 'xstate';
import type { Allocate, Command, Release, Renew } from '../lease/command.ts';
import type { Happening, Reason } from '../lease/fact.ts';
import type { TokenState } from '../lease/lease.ts';
import type { MachineRefusalCode } from '../lease/refusal.ts';
import { type TokenCommand, type TokenReport, tokenMachine } from '../token/token-machine.ts';
import { Deadlines } from './deadlines.ts';
import { OrderOfUse } from './order-of-use.ts';

export type TokenActor = ActorRefFromLogic<typeof tokenMachine>;

/** A fact as the pool numbers it; `at` is still null where a timer, not a command, made it happen. */
export type NumberedHappening = Happening & { seq: number };

export interface PoolContext {
  /** Whether renewing and releasing take the lease id; without it, the token's id alone suffices. */
  proofRequired: boolean;
  /** The number of the last fact. */
  seq: number;
  /** Who is let in once the lease evicted for it has ended. */
  newcomer: Allocate | null;
  // Not plain JSON, both rebuilt from the log's tokens: what makes every step O(1).
  order: OrderOfUse<TokenActor>;
  deadlines: Deadlines;
}

export interface PoolInput {
  proofRequired: boolean;
}

export type PoolEvent =
  | Command
  | TokenReport
  /** Ends every lease whose deadline has passed by `at` though its timer has not fired. */
  | { type: 'SWEEP'; at: number }
  /** This process holds the pool: its tokens in the order in which they were last used or freed. */
  | { type: 'OPENED'; at: number; seq: number; tokens: TokenState[] }
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
    someTokenIsFree: ({ context }) => context.order.longestFree !== undefined,
    newcomerIsNext: ({ context }) => context.newcomer !== null,
    proofIsMissing: ({ context }, { leaseId }: Renew | Release) =>
      context.proofRequired && leaseId === undefined,
    tokenIsKnown: ({ context }, { tokenId }: { tokenId: string }) => context.order.get(tokenId) !== undefined,
  },
  actions: {
    /** Provided by the host: takes the fact to the journal. */
    record: notProvided('record') as (_: unknown, happening: NumberedHappening) => void,
    /** Provided by the host: answers the caller. */
    refuse: notProvided('refuse') as (_: unknown, refusal: { code: MachineRefusalCode }) => void,

    startTokens: assign(
      ({ context, spawn }, { at, seq, tokens }: { at: number; seq: number; tokens: TokenState[] }) => {
        for (const { tokenId, lease } of tokens) {
          const actor = spawn('token', { id: tokenId, input: { tokenId, lease, at } });
          context.order.add(tokenId, actor, lease !== null);
          if (lease !== null) context.deadlines.set(tokenId, lease.expiresAt);
        }
        return { seq };
      },
    ),
    note: assign(({ context }, { type, tokenId, lease }: Happening) => {
      if (type === 'activated' || type === 'renewed') {
        context.order.use(tokenId);
        context.deadlines.set(tokenId, lease.expiresAt);
      } else {
        context.order.free(tokenId);
        context.deadlines.clear(tokenId);
      }
      return { seq: context.seq + 1 };
    }),
    grant: sendTo(
      ({ context }) => context.order.longestFree!.actor,
      (
        { context },
        { newcomer, reason }: { newcomer: Allocate; reason: Reason<'activated'> },
      ): TokenCommand => ({
        type: 'ALLOCATE',
        at: newcomer.at,
        reason,
        lease: {
          leaseId: newcomer.leaseId,
          userId: newcomer.userId,
          // The grant is the next fact: its seq is the fence.
          fence: context.seq + 1,
          activatedAt: newcomer.at,
          expiresAt: newcomer.at + newcomer.ttlMs,
          ttlMs: newcomer.ttlMs,
          metadata: newcomer.metadata,
        },
      }),
    ),
    admit: assign({ newcomer: (_, newcomer: Allocate | null) => newcomer }),
    evict: sendTo(
      ({ context }) => context.order.leastRecentlyUsed!.actor,
      (_, { at }: { at: number }): TokenCommand => ({ type: 'RELEASE', at, reason: 'lru_eviction' }),
    ),
    passOn: sendTo(
      ({ context }, { tokenId }: Renew | Release) => context.order.get(tokenId)!.actor,
      (_, command): TokenCommand => command,
    ),
  },
});

type Enqueue = Parameters<Parameters<typeof poolSetup.enqueueActions>[0]>[0];

const poolSetupWithRounds = poolSetup.extend({
  actions: {
    /** Tells every token in use to end its lease, the least recently used first. */
    releaseAll: enqueueActions(
      ({ context, enqueue }: Enqueue, { at, reason }: { at: number; reason: Reason<'released'> }) => {
        for (const { actor } of context.order.inUse()) {
          enqueue.sendTo(actor, { type: 'RELEASE', at, reason });
        }
      },
    ),
    expireDue: enqueueActions(({ context, enqueue }: Enqueue, { at }: { at: number }) => {
      for (const tokenId of context.deadlines.due(at)) {
        enqueue.sendTo(context.order.get(tokenId)!.actor, { type: 'EXPIRE', at });
      }
    }),
  },
});

export const poolMachine = poolSetupWithRounds.createMachine({
  id: 'pool',
  context: ({ input }) => ({
    ...input,
    seq: 0,
    newcomer: null,
    order: new OrderOfUse(),
    deadlines: new Deadlines(),
  }),
  initial: 'starting',
  on: {
    ALLOCATE: { actions: { type: 'refuse', params: { code: 'unavailable' } } },
    RENEW: { actions: { type: 'refuse', params: { code: 'unavailable' } } },
    RELEASE: { actions: { type: 'refuse', params: { code: 'unavailable' } } },
    RELEASE_ALL: { actions: { type: 'refuse', params: { code: 'unavailable' } } },
    SWEEP: { actions: { type: 'expireDue', params: ({ event }) => event } },
    FACT: [
      {
        guard: 'newcomerIsNext',
        actions: [
          { type: 'note', params: ({ event }) => event.happening },
          { type: 'record', params: ({ context, event }) => ({ ...event.happening, seq: context.seq }) },
          {
            type: 'grant',
            params: ({ context }) => ({ newcomer: context.newcomer!, reason: 'allocated_after_eviction' }),
          },
          { type: 'admit', params: null },
        ],
      },
      {
        actions: [
          { type: 'note', params: ({ event }) => event.happening },
          { type: 'record', params: ({ context, event }) => ({ ...event.happening, seq: context.seq }) },
        ],
      },
    ],
    REFUSED: { actions: { type: 'refuse', params: ({ event }) => event } },
    STOP: '.stopping',
  },
  states: {
    starting: {
      on: {
        OPENED: { target: 'serving', actions: { type: 'startTokens', params: ({ event }) => event } },
        STAND_BY: 'standby',
      },
    },
    standby: {
      on: {
        OPENED: { target: 'serving', actions: { type: 'startTokens', params: ({ event }) => event } },
      },
    },
    serving: {
      on: {
        ALLOCATE: [
          {
            guard: 'someTokenIsFree',
            actions: { type: 'grant', params: ({ event }) => ({ newcomer: event, reason: 'allocated' }) },
          },
          {
            actions: [
              { type: 'admit', params: ({ event }) => event },
              { type: 'evict', params: ({ event }) => event },
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
        RELEASE_ALL: { actions: { type: 'releaseAll', params: ({ event }) => event } },
        JOURNAL_LOST: 'degraded',
        FENCED: 'fenced',
      },
    },
    degraded: {
      on: { JOURNAL_BACK: 'serving', FENCED: 'fenced' },
    },
    stopping: {},
    fenced: { type: 'final' },
  },
});
