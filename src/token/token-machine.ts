/**
 * One token's life: `available` ⇄ `active`. Owns the lease and its only timer.
 * Knows no HTTP, no SQL, no clock and no other token: time comes in with each command, and what it wants done
 * leaves it as the actions `record` and `refuse`, which the host provides, or as a word to its supervisor.
 */
import { assign, sendParent, setup } from 'xstate';
import type { Proof, Release, Renew } from '../lease/command.ts';
import type { Happening, Reason } from '../lease/fact.ts';
import type { Lease } from '../lease/lease.ts';
import type { MachineRefusalCode } from '../lease/refusal.ts';

export interface TokenContext {
  tokenId: string;
  lease: Lease | null;
  /** When the last command came; the timer runs from here. */
  at: number;
}

/** `lease` is what the log says it holds at `at`: a token is never restored from a snapshot of XState's. */
export type TokenInput = TokenContext;

export type TokenCommand =
  /** To a token that is held, it is the eviction of its holder too: one step, and two facts. */
  | { type: 'ALLOCATE'; at: number; lease: Lease }
  | Omit<Renew, 'tokenId'>
  | Omit<Release, 'tokenId'>
  /** The supervisor ends the lease for reasons of its own. It knows, and is not told. */
  | { type: 'RECALL'; at: number; reason: Reason<'released'> }
  /** Ends a lease whose deadline has passed by `at`, should its timer be late. */
  | { type: 'EXPIRE'; at: number };

/** What the supervisor is told, because it cannot know: what the holder or the time has done. */
export type TokenNews =
  | { type: 'USED'; tokenId: string; expiresAt: number }
  | { type: 'FREED'; tokenId: string };

/** A happening, but for what the token adds of its own. */
type Saying = Pick<Happening, 'type' | 'reason' | 'at'>;

/** In state `active`, and wherever something is recorded, there is a lease. */
const held = (context: TokenContext): Lease => context.lease!;

const notProvided = (action: string) => () => {
  throw new Error(`the host of the token machine provides no action '${action}'`);
};

export const tokenMachine = setup({
  types: {
    context: {} as TokenContext,
    input: {} as TokenInput,
    events: {} as TokenCommand,
  },
  delays: {
    untilDeadline: ({ context }) => held(context).expiresAt - context.at,
  },
  guards: {
    ranOutUnseen: ({ context }) => context.lease !== null && context.lease.expiresAt <= context.at,
    leased: ({ context }) => context.lease !== null,
    proven: ({ context }, proof: Proof) =>
      (proof.leaseId === undefined || proof.leaseId === held(context).leaseId) &&
      (proof.userId === undefined || proof.userId === held(context).userId),
    passed: ({ context }, { at }: { at: number }) => held(context).expiresAt <= at,
  },
  actions: {
    /** Provided by the host: makes what happened to the token in its context a fact. */
    record: notProvided('record') as (args: { context: TokenContext }, saying: Saying) => void,
    /** Provided by the host: answers the caller. */
    refuse: notProvided('refuse') as (_: unknown, refusal: { code: MachineRefusalCode }) => void,

    hold: assign((_, { lease, at }: { lease: Lease; at: number }) => ({ lease, at })),
    prolong: assign(({ context }, { at, ttlMs }: Pick<Renew, 'at' | 'ttlMs'>) => {
      const lease = held(context);
      // Never shortens: a renewal with a small TTL must not cut off its own holder.
      return { at, lease: { ...lease, expiresAt: Math.max(lease.expiresAt, at + (ttlMs ?? lease.ttlMs)) } };
    }),
    letGo: assign({ lease: null }),
    tellUsed: sendParent(
      ({ context }): TokenNews => ({
        type: 'USED',
        tokenId: context.tokenId,
        expiresAt: held(context).expiresAt,
      }),
    ),
    tellFreed: sendParent(({ context }): TokenNews => ({ type: 'FREED', tokenId: context.tokenId })),
  },
}).createMachine({
  id: 'token',
  context: ({ input }) => input,
  initial: 'available',
  states: {
    available: {
      // Only a token that is started with a lease takes one of these.
      always: [
        {
          guard: 'ranOutUnseen',
          actions: [
            {
              type: 'record',
              params: ({ context }) => ({
                type: 'expired',
                reason: 'ttl_expired_while_down',
                at: context.at,
              }),
            },
            'tellFreed',
            'letGo',
          ],
        },
        { guard: 'leased', target: 'active' },
      ],
      on: {
        ALLOCATE: {
          target: 'active',
          actions: [
            { type: 'hold', params: ({ event }) => event },
            {
              type: 'record',
              params: ({ event }) => ({ type: 'activated', reason: 'allocated', at: event.at }),
            },
          ],
        },
        RENEW: { actions: { type: 'refuse', params: { code: 'token_not_active' } } },
        RELEASE: { actions: { type: 'refuse', params: { code: 'token_not_active' } } },
      },
    },
    active: {
      after: {
        untilDeadline: {
          target: 'available',
          actions: [
            { type: 'record', params: { type: 'expired', reason: 'ttl_expired', at: null } },
            'tellFreed',
            'letGo',
          ],
        },
      },
      on: {
        ALLOCATE: {
          target: 'active',
          reenter: true,
          actions: [
            {
              type: 'record',
              params: ({ event }) => ({ type: 'released', reason: 'lru_eviction', at: event.at }),
            },
            { type: 'hold', params: ({ event }) => event },
            {
              type: 'record',
              params: ({ event }) => ({
                type: 'activated',
                reason: 'allocated_after_eviction',
                at: event.at,
              }),
            },
          ],
        },
        RENEW: [
          {
            guard: { type: 'proven', params: ({ event }) => event },
            target: 'active',
            reenter: true,
            actions: [
              { type: 'prolong', params: ({ event }) => event },
              {
                type: 'record',
                params: ({ event }) => ({ type: 'renewed', reason: 'renewed_by_client', at: event.at }),
              },
              'tellUsed',
            ],
          },
          { actions: { type: 'refuse', params: { code: 'lease_mismatch' } } },
        ],
        RELEASE: [
          {
            guard: { type: 'proven', params: ({ event }) => event },
            target: 'available',
            actions: [
              {
                type: 'record',
                params: ({ event }) => ({ type: 'released', reason: event.reason, at: event.at }),
              },
              'tellFreed',
              'letGo',
            ],
          },
          { actions: { type: 'refuse', params: { code: 'lease_mismatch' } } },
        ],
        RECALL: {
          target: 'available',
          actions: [
            {
              type: 'record',
              params: ({ event }) => ({ type: 'released', reason: event.reason, at: event.at }),
            },
            'letGo',
          ],
        },
        EXPIRE: {
          guard: { type: 'passed', params: ({ event }) => event },
          target: 'available',
          actions: [
            {
              type: 'record',
              params: ({ event }) => ({ type: 'expired', reason: 'ttl_expired', at: event.at }),
            },
            'tellFreed',
            'letGo',
          ],
        },
      },
    },
  },
});
