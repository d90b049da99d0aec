/** What a token can do and what it can tell apart: the guards, delays and actions that its machine names. */
import { assign, sendParent, setup } from 'xstate';
import type { Proof } from '../lease/command.ts';
import type { Reason } from '../lease/fact.ts';
import type { Lease } from '../lease/lease.ts';
import type { MachineRefusalCode } from '../lease/refusal.ts';
import type { Saying } from './saying.ts';
import {
  dueAt,
  placeOf,
  type TokenCommand,
  type TokenContext,
  type TokenInput,
  type TokenNews,
  type TokenRules,
} from './token.ts';

/** In state `active`, and wherever a lease is recorded, there is one. */
const held = (context: TokenContext): Lease => context.lease!;

/** Leases that end so leave a token behind that can be used at once: its holder has let go of it. */
const letGoOf: ReadonlySet<Reason> = new Set<Reason>(['released_by_client', 'caller_gone']);

/** Until when a token is kept that nobody has asked for since `at`. */
const keptFrom = ({ rules }: TokenContext, at: number): number | null =>
  rules.idleTtlMs === null ? null : at + rules.idleTtlMs;

const moved = (context: TokenContext, facts: 0 | 1): TokenNews => ({
  type: 'MOVED',
  tokenId: context.tokenId,
  place: placeOf(context),
  isHeld: context.lease !== null,
  dueAt: dueAt(context),
  facts,
});

const notProvided = (action: string) => () => {
  throw new Error(`the host of the token machine provides no action '${action}'`);
};

export const tokenSetup = setup({
  types: {
    context: {} as TokenContext,
    input: {} as TokenInput,
    events: {} as TokenCommand,
  },
  delays: {
    untilDeadline: ({ context }) => held(context).expiresAt - context.at,
    untilRested: ({ context }) => context.restsUntil! - context.at,
    untilUnwanted: ({ context }) => context.keptUntil! - context.at,
  },
  guards: {
    isNew: ({ context }) => context.created !== null,
    ranOutUnseen: ({ context }) => context.lease !== null && context.lease.expiresAt <= context.at,
    isHeld: ({ context }) => context.lease !== null,
    leaves: ({ context }) => context.leaving !== null,
    isWithdrawn: ({ context }) => context.withdrawn !== null,
    rests: ({ context }) => context.restsUntil !== null,
    isKeptForAWhile: ({ context }) => context.keptUntil !== null,
    /** Its lease is the last one for now. */
    runsOut: ({ context }) => context.withdrawn !== null || context.leaving !== null,
    endsLease: (_, { endLease }: { endLease: boolean }) => endLease,
    isToLeave: (_, { leaving }: { leaving: Reason<'deleted'> | null }) => leaving !== null,
    disproven: ({ context }, { leaseId, userId }: Proof) =>
      (leaseId !== undefined && leaseId !== held(context).leaseId) ||
      (userId !== undefined && userId !== held(context).userId),
    isDue: ({ context }, { at }: { at: number }) => dueAt(context)! <= at,
  },
  actions: {
    /** Provided by the host: makes what happened to the token in its context a fact. */
    record: notProvided('record') as (args: { context: TokenContext }, saying: Saying) => void,
    /** Provided by the host: answers the caller. */
    refuse: notProvided('refuse') as (_: unknown, refusal: { code: MachineRefusalCode }) => void,

    hold: assign((_, { lease, at }: { lease: Lease; at: number }) => ({
      lease,
      at,
      restsUntil: null,
      keptUntil: null,
    })),
    prolong: assign(({ context }, { at, ttlMs, maxLifetimeMs }: Prolonging) => {
      const lease = held(context);
      const asked = at + (ttlMs ?? lease.ttlMs);
      const latest = maxLifetimeMs === null ? asked : lease.activatedAt + maxLifetimeMs;
      // Never shortens: a renewal with a small TTL must not cut off its own holder.
      return { at, lease: { ...lease, expiresAt: Math.max(lease.expiresAt, Math.min(asked, latest)) } };
    }),
    end: assign(({ context }, { at, reason }: { at: number; reason: Reason<'released'> }) => ({
      at,
      ...ending(context, at, reason),
    })),
    /** What follows a lease that has run out is counted from its deadline, however late that was seen. */
    runOut: assign(({ context }, { at }: { at: number | null }) => {
      const { expiresAt } = held(context);
      return { at: at ?? expiresAt, ...ending(context, expiresAt, 'ttl_expired') };
    }),
    /** It has rested; being kept is counted from then on, however late that was seen. */
    wake: assign(({ context }, { at }: { at: number | null }) => ({
      at: at ?? context.restsUntil!,
      restsUntil: null,
      keptUntil: keptFrom(context, context.restsUntil!),
    })),
    /** A rest goes on meanwhile: maintenance is no way round it. */
    setAside: assign((_, { at, note }: { at: number; note: string | null }) => ({
      at,
      withdrawn: { note },
      keptUntil: null,
    })),
    takeBack: assign(({ context }, { at }: { at: number }) => {
      const { lease } = context;
      const restsUntil = context.restsUntil !== null && context.restsUntil > at ? context.restsUntil : null;
      const keptUntil = lease === null && restsUntil === null ? keptFrom(context, at) : null;
      return { at, withdrawn: null, restsUntil, keptUntil };
    }),
    goBy: assign(
      (_, { at, rules, leaving }: { at: number; rules: TokenRules; leaving: Reason<'deleted'> | null }) => ({
        at,
        rules,
        leaving,
      }),
    ),
    appear: assign({ created: null }),
    tellUsed: sendParent(
      ({ context }): TokenNews => ({
        type: 'USED',
        tokenId: context.tokenId,
        expiresAt: held(context).expiresAt,
      }),
    ),
    /** After a fact; the supervisor numbers along. */
    tellMoved: sendParent(({ context }): TokenNews => moved(context, 1)),
    /** Where nothing was recorded. */
    tellPlace: sendParent(({ context }): TokenNews => moved(context, 0)),
    tellGone: sendParent(({ context }): TokenNews => ({ type: 'GONE', tokenId: context.tokenId })),
  },
});

export interface Prolonging {
  at: number;
  ttlMs?: number | undefined;
  maxLifetimeMs: number | null;
}

/** The lease was over at `over`; what comes after it begins there. */
function ending(context: TokenContext, over: number, reason: Reason<'released' | 'expired'>) {
  const { rules, leaving, withdrawn } = context;
  const rests = leaving === null && rules.coolDownMs > 0 && !letGoOf.has(reason);
  const isKept = leaving === null && withdrawn === null && !rests;
  return {
    lease: null,
    ended: held(context),
    restsUntil: rests ? over + rules.coolDownMs : null,
    keptUntil: isKept ? keptFrom(context, over) : null,
  };
}
