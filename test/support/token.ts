/** One token under a supervisor that only listens. */
import { type ActorRefFromLogic, assign, createActor, type StateValueFrom, setup } from 'xstate';
import type { Clock } from '../../src/clock.ts';
import type { Lease } from '../../src/lease/lease.ts';
import type { TokenCommand, TokenContext, TokenNews } from '../../src/token/token.ts';
import { tokenMachine } from '../../src/token/token-machine.ts';
import { start, twoMinutes } from './world.ts';

export const tokenId = '00000000-0000-4000-8000-000000000001';

export const lease = (changes: Partial<Lease> = {}): Lease => ({
  leaseId: '01890000-0000-7000-8000-000000000001',
  userId: 'ada',
  fence: 2,
  activatedAt: start,
  expiresAt: start + twoMinutes,
  ttlMs: twoMinutes,
  metadata: null,
  ...changes,
});

export type TokenStateName = StateValueFrom<typeof tokenMachine>;

/** A token as the log has it: free, unless it is said to be in something. */
export const standing = (changes: Partial<TokenContext> = {}): TokenContext => ({
  tokenId,
  name: null,
  labels: {},
  lease: null,
  restsUntil: null,
  keptUntil: null,
  withdrawn: null,
  rules: { coolDownMs: 0, idleTtlMs: null },
  leaving: null,
  created: null,
  ended: null,
  at: start,
  ...changes,
});

export interface Heard {
  /** What the token had recorded: type, reason, time, and the lease it was about. */
  recorded: { type: string; reason: string; at: number | null; lease: Lease | null }[];
  refused: string[];
  news: TokenNews[];
}

export interface LoneToken extends Heard {
  state(): TokenStateName;
  context(): TokenContext;
  lease(): Lease | null;
  send(command: TokenCommand): void;
  /** The actor itself. */
  actor: ActorRefFromLogic<typeof tokenMachine>;
}

const ofLastLease = new Set(['released', 'expired']);

/** It is in what is said; time is that of the clock. */
export function startToken(clock: Clock, changes: Partial<TokenContext> = {}): LoneToken {
  const heard: Heard = { recorded: [], refused: [], news: [] };
  const token = tokenMachine.provide({
    actions: {
      record: ({ context }, { type, reason, at }) => {
        heard.recorded.push({
          type,
          reason,
          at,
          lease: ofLastLease.has(type) ? context.ended : context.lease,
        });
      },
      refuse: (_, { code }) => {
        heard.refused.push(code);
      },
    },
  });
  const supervisor = setup({
    types: {
      context: {} as { token: ActorRefFromLogic<typeof tokenMachine> | null },
      events: {} as TokenNews,
    },
    actors: { token },
  }).createMachine({
    context: { token: null },
    entry: assign({
      token: ({ spawn }) => spawn('token', { input: standing({ at: clock.now(), ...changes }) }),
    }),
    on: {
      USED: { actions: ({ event }) => void heard.news.push(event) },
      MOVED: { actions: ({ event }) => void heard.news.push(event) },
      GONE: { actions: ({ event }) => void heard.news.push(event) },
    },
  });
  const root = createActor(supervisor, { clock: clock as never }).start();
  const actor = root.getSnapshot().context.token!;
  return {
    ...heard,
    actor,
    state: () => actor.getSnapshot().value,
    context: () => actor.getSnapshot().context,
    lease: () => actor.getSnapshot().context.lease,
    send: (command) => {
      // XState ignores what is sent to one that has ended, and warns of it.
      if (actor.getSnapshot().status === 'active') actor.send(command);
    },
  };
}
