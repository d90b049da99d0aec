/**
 * One token's life: `available` ⇄ `active`. Owns the lease and its only timer.
 * Knows no HTTP, no SQL, no clock and no other token: time comes in with each command, and what happened
 * goes to the supervisor as a message.
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
  | { type: 'ALLOCATE'; at: number; lease: Lease; reason: Reason<'activated'> }
  | Omit<Renew, 'tokenId'>
  | Omit<Release, 'tokenId'>
  /** Ends a lease whose deadline has passed by `at`, should its timer be late. */
  | { type: 'EXPIRE'; at: number };

/** What a token tells its supervisor. */
export type TokenReport =
  | { type: 'FACT'; happening: Happening }
  | { type: 'REFUSED'; code: MachineRefusalCode };

/** In state `active`, and where a report is made, there is a lease. */
const held = (context: TokenContext): Lease => context.lease!;

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
    hold: assign((_, { lease, at }: { lease: Lease; at: number }) => ({ lease, at })),
    prolong: assign(({ context }, { at, ttlMs }: Pick<Renew, 'at' | 'ttlMs'>) => {
      const lease = held(context);
      // Never shortens: a renewal with a small TTL must not cut off its own holder.
      return { at, lease: { ...lease, expiresAt: Math.max(lease.expiresAt, at + (ttlMs ?? lease.ttlMs)) } };
    }),
    letGo: assign({ lease: null }),
    report: sendParent(
      (
        { context },
        what: {
          [T in Happening['type']]: { type: T; reason: Reason<T>; at: number | null };
        }[Happening['type']],
      ): TokenReport => ({
        type: 'FACT',
        happening: {
          type: what.type,
          reason: what.reason,
          tokenId: context.tokenId,
          at: what.at,
          lease: held(context),
        } as Happening,
      }),
    ),
    refuse: sendParent(
      (_, { code }: { code: MachineRefusalCode }): TokenReport => ({ type: 'REFUSED', code }),
    ),
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
              type: 'report',
              params: ({ context }) => ({
                type: 'expired',
                reason: 'ttl_expired_while_down',
                at: context.at,
              }),
            },
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
              type: 'report',
              params: ({ event }) => ({ type: 'activated', reason: event.reason, at: event.at }),
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
            { type: 'report', params: { type: 'expired', reason: 'ttl_expired', at: null } },
            'letGo',
          ],
        },
      },
      on: {
        RENEW: [
          {
            guard: { type: 'proven', params: ({ event }) => event },
            target: 'active',
            reenter: true,
            actions: [
              { type: 'prolong', params: ({ event }) => event },
              {
                type: 'report',
                params: ({ event }) => ({ type: 'renewed', reason: 'renewed_by_client', at: event.at }),
              },
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
                type: 'report',
                params: ({ event }) => ({ type: 'released', reason: event.reason, at: event.at }),
              },
              'letGo',
            ],
          },
          { actions: { type: 'refuse', params: { code: 'lease_mismatch' } } },
        ],
        EXPIRE: {
          guard: { type: 'passed', params: ({ event }) => event },
          target: 'available',
          actions: [
            {
              type: 'report',
              params: ({ event }) => ({ type: 'expired', reason: 'ttl_expired', at: event.at }),
            },
            'letGo',
          ],
        },
      },
    },
  },
});
