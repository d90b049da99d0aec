/** What a supervisor can do and what it can tell apart: the guards and actions that its machine names. */
import { assign, enqueueActions, sendTo, setup } from 'xstate';
import type { Allocate, Change, Create, Leave, Release, Renew, Restore, Withdraw } from '../lease/command.ts';
import type { Reason } from '../lease/fact.ts';
import type { TokenState, TokenTraits } from '../lease/lease.ts';
import type { PoolOptions } from '../lease/pool-options.ts';
import type { MachineRefusalCode } from '../lease/refusal.ts';
import {
  dueAt,
  placeOf,
  type TokenCommand,
  type TokenInput,
  type TokenNews,
  type TokenRules,
} from '../token/token.ts';
import { tokenMachine } from '../token/token-machine.ts';
import { enoughAreFree, enoughCanBeEvicted, grantTo, noneCouldEverFit, waiterOf } from './granting.ts';
import { leavers } from './leavers.ts';
import {
  type PoolContext,
  type PoolEvent,
  type PoolInput,
  portion,
  type TokenActor,
  type TokenEntry,
} from './pool-context.ts';
import { serve } from './serving.ts';

/** What a token answers by itself. */
type Passed = Renew | Release | Withdraw | Restore;
/** Why nobody is served any more. */
type Dismissal = { code: 'unavailable' | 'pool_not_found' };
type Moved = Extract<TokenNews, { type: 'MOVED' }>;

const notProvided = (action: string) => () => {
  throw new Error(`the host of the pool machine provides no action '${action}'`);
};

const rulesOf = ({ coolDownMs, idleTtlMs }: PoolOptions): TokenRules => ({ coolDownMs, idleTtlMs });

/** Who is evicted first. */
const byUse = {
  lru: (one: TokenEntry, other: TokenEntry) => one.usedSeq - other.usedSeq,
  oldest: (one: TokenEntry, other: TokenEntry) => one.fence - other.fence,
};

const setUp = setup({
  types: { context: {} as PoolContext, events: {} as PoolEvent, input: {} as PoolInput },
  actors: { token: tokenMachine },
  guards: {
    isNotProvenToHold: ({ context }, { onExisting = 'new' }: Allocate) =>
      context.proofRequired && onExisting !== 'new',
    /** The user holds a token that would do, and asks for that one. */
    wantsTheSame: ({ context: { order } }, { userId, labels, onExisting, as }: Allocate & { as: string }) =>
      onExisting === as && order.newestOf(userId, labels) !== undefined,
    hasEnough: ({ context: { order, options, line } }, { userId, leaseIds }: Allocate) =>
      options.maxPerUser !== null &&
      order.heldBy(userId) + line.countOf(userId) + leaseIds.length > options.maxPerUser,
    enoughAreFree: ({ context }, newcomer: Allocate) => enoughAreFree(context, newcomer),
    noneCouldEverFit: ({ context }, newcomer: Allocate) => noneCouldEverFit(context, newcomer),
    waits: ({ context }, newcomer: Allocate) => waiterOf(context, newcomer) !== null,
    lineIsFull: ({ context }, newcomer: Allocate) =>
      waiterOf(context, newcomer) !== null && context.line.length >= context.options.queueMax,
    enoughCanBeEvicted: ({ context }, newcomer: Allocate) => enoughCanBeEvicted(context, newcomer),
    proofIsMissing: ({ context }, { leaseId }: Renew | Release) =>
      context.proofRequired && leaseId === undefined,
    tokenIsKnown: ({ context }, { tokenId }: { tokenId: string }) => context.order.get(tokenId) !== undefined,
    isBeingSettled: ({ context }) => context.unsettled.length > 0,
    isFixed: ({ context }) => context.options.membership === 'fixed',
    nameIsTaken: ({ context: { order } }, { token: { name } }: Create) =>
      name !== null && order.hasName(name),
    isOfFullSize: ({ context: { order, options } }) => order.size >= options.size,
  },
  actions: {
    /** Provided by the host: answers the caller. */
    refuse: notProvided('refuse') as (_: unknown, refusal: { code: MachineRefusalCode }) => void,
    /** Provided by the host: the caller has a token already, and is shown it. */
    showHeld: notProvided('showHeld') as (args: { context: PoolContext }, held: { leaseId: string }) => void,
    /** Provided by the host: the caller waits, until its grant is recorded or it leaves the line. */
    keepWaiting: notProvided('keepWaiting') as () => void,
    /** Provided by the host: makes the new options a fact. */
    recordChange: notProvided('recordChange') as (_: unknown, change: Change) => void,
    /** Provided by the host: tells those in line that nobody waits here any more. */
    dismissAll: notProvided('dismissAll') as (args: { context: PoolContext }, why: Dismissal) => void,

    beginAt: assign((_, { seq, options }: { seq: number; options: PoolOptions }) => ({ seq, options })),
    startTokens: assign(
      ({ context, spawn }, { at, tokens }: { at: number; tokens: readonly TokenState[] }) => {
        const { order, deadlines, options } = context;
        const rules = rulesOf(options);
        for (const { seq, ...token } of tokens) {
          const input: TokenInput = { ...token, leaving: null, created: null, ended: null, rules, at };
          const entry = order.add(token, spawn('token', { id: token.tokenId, input }), placeOf(input));
          if (token.lease !== null) order.hold(entry, token.lease);
          entry.usedSeq = seq;
          const due = dueAt(input);
          if (due !== null) deadlines.set(entry, due);
        }
        return {};
      },
    ),
    /** Each time XState copies the list of all tokens that there are. */
    createTokens: assign(
      (
        { context: { order, options }, spawn },
        { at, tokens, reason }: { at: number; tokens: readonly TokenTraits[]; reason: Reason<'created'> },
      ) => {
        for (const traits of tokens) {
          const input = newToken(options, traits, reason, at);
          order.add(traits, spawn('token', { id: traits.tokenId, input }), 'free');
        }
        return {};
      },
    ),
    goBy: assign(({ context }, { options }: Change) => ({ options, seq: context.seq + 1 })),
    joinLine: ({ context }, newcomer: Allocate) => {
      context.line.join(waiterOf(context, newcomer)!);
      context.prospects.joined(context, newcomer.labels);
    },
    leaveLine: ({ context }, { leaseId }: Leave) => void context.line.leave(leaseId),
    clearLine: ({ context }) => context.line.clear(),
    passOn: sendTo(
      ({ context }, { tokenId }: Passed) => context.order.get(tokenId)!.actor,
      ({ context }, command: Passed): TokenCommand =>
        command.type === 'RENEW' ? { ...command, maxLifetimeMs: context.options.maxLifetimeMs } : command,
    ),
    renewHeld: sendTo(
      ({ context }, { userId, labels }: Allocate) => context.order.newestOf(userId, labels)!.actor,
      ({ context }, { at, ttlMs }: Allocate): TokenCommand => ({
        type: 'RENEW',
        at,
        ttlMs,
        maxLifetimeMs: context.options.maxLifetimeMs,
      }),
    ),
    noteUsed: assign(({ context }, { tokenId, expiresAt }: { tokenId: string; expiresAt: number }) => {
      const entry = context.order.get(tokenId)!;
      if (context.options.eviction === 'lru') context.order.move(entry, 'used');
      entry.usedSeq = context.seq + 1;
      context.deadlines.set(entry, expiresAt);
      return { seq: context.seq + 1 };
    }),
    noteMoved: assign(({ context }, { tokenId, place, isHeld, dueAt, facts }: Moved) => {
      const { order, deadlines, seq, options } = context;
      const entry = order.get(tokenId)!;
      if (!isHeld) order.letGo(entry);
      // It is brought back from maintenance, which counts as use: after a restart its newest fact does.
      else if (facts === 1) entry.usedSeq = seq + 1;
      // What stays where it is keeps its turn, and who is held keeps theirs when it may be evicted again.
      if (entry.place !== place) {
        if (place === 'used') order.putBack(entry, byUse[options.eviction]);
        else order.move(entry, place);
        if (place === 'used') context.prospects.evictFrom = Number.NEGATIVE_INFINITY;
      }
      if (dueAt === null) deadlines.clear(entry);
      else if (dueAt !== entry.expiresAt) deadlines.set(entry, dueAt);
      return { seq: seq + facts };
    }),
    noteGone: assign(({ context: { order, deadlines, seq }, self }, { tokenId }: { tokenId: string }) => {
      const entry = order.get(tokenId)!;
      deadlines.clear(entry);
      order.delete(entry);
      // XState keeps its finished children, and to stop one it copies the list of all.
      delete self.getSnapshot().children[tokenId];
      return { seq: seq + 1 };
    }),
  },
});

type Enqueue = Parameters<Parameters<typeof setUp.enqueueActions>[0]>[0];

const telling =
  ({ enqueue }: Enqueue) =>
  (actor: TokenActor, command: TokenCommand) =>
    enqueue.sendTo(actor, command);

export const poolSetup = setUp.extend({
  actions: {
    grant: enqueueActions((host: Enqueue, newcomer: Allocate) => {
      host.enqueue.assign({ seq: grantTo(host.context, newcomer, telling(host)) });
    }),
    serveLine: enqueueActions((host: Enqueue, { at }: { at: number }) => {
      host.enqueue.assign({ seq: serve(host.context, at, telling(host)) });
    }),
    /** Tells the tokens in use to end their leases, the least recently used first. */
    recallAll: enqueueActions(
      ({ context, enqueue }: Enqueue, { at, reason }: { at: number; reason: Reason<'released'> }) => {
        for (const { actor } of context.order.held(portion))
          enqueue.sendTo(actor, { type: 'RECALL', at, reason });
      },
    ),
    doWhatIsDue: enqueueActions(({ context, enqueue }: Enqueue, { at }: { at: number }) => {
      for (const { actor } of context.deadlines.passed(at, portion))
        enqueue.sendTo(actor, { type: 'PASS', at });
    }),
    /** Finds out which tokens have to be told what the options mean for them. */
    unsettle: assign(({ context: { options, order } }: { context: PoolContext }) => {
      order.sortUsed(byUse[options.eviction]);
      const leaving = leavers(options, order);
      return {
        unsettled: Array.from(order.all(), (entry) => ({ entry, leaves: leaving.has(entry) })).filter(
          ({ entry, leaves }) => entry.leaves !== leaves || !goesBy(entry, options),
        ),
      };
    }),
    settle: enqueueActions(({ context, enqueue }: Enqueue, { at }: { at: number }) => {
      const rules = rulesOf(context.options);
      for (const { entry, leaves } of context.unsettled.splice(0, portion)) {
        entry.leaves = leaves;
        enqueue.sendTo(entry.actor, { type: 'RULE', at, rules, leaving: leaves ? 'pool_shrunk' : null });
      }
    }),
    deleteToken: enqueueActions(
      ({ context, enqueue }: Enqueue, { at, tokenId }: { at: number; tokenId: string }) => {
        const { actor, userId } = context.order.get(tokenId)!;
        const rules = rulesOf(context.options);
        enqueue.sendTo(actor, { type: 'RULE', at, rules, leaving: 'deleted_by_client' });
        if (userId !== null) enqueue.sendTo(actor, { type: 'RECALL', at, reason: 'token_deleted' });
      },
    ),
  },
});

function goesBy({ actor }: TokenEntry, options: PoolOptions): boolean {
  const { rules } = actor.getSnapshot().context;
  return rules.coolDownMs === options.coolDownMs && rules.idleTtlMs === options.idleTtlMs;
}

function newToken(
  options: PoolOptions,
  traits: TokenTraits,
  created: Reason<'created'>,
  at: number,
): TokenInput {
  const rules = rulesOf(options);
  const keptUntil = rules.idleTtlMs === null ? null : at + rules.idleTtlMs;
  const unused = { lease: null, ended: null, restsUntil: null, withdrawn: null, leaving: null };
  return { ...traits, ...unused, keptUntil, rules, created, at };
}
