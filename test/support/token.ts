/** One token under a supervisor that only listens. */
import { type ActorRefFromLogic, assign, createActor, setup } from 'xstate';
import type { Clock } from '../../src/clock.ts';
import type { Lease } from '../../src/lease/lease.ts';
import { type TokenCommand, type TokenNews, tokenMachine } from '../../src/token/token-machine.ts';
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

export interface Heard {
  /** What the token had recorded: type, reason, time, and the lease it was about. */
  recorded: { type: string; reason: string; at: number | null; lease: Lease | null }[];
  refused: string[];
  news: TokenNews[];
}

export interface LoneToken extends Heard {
  state(): 'available' | 'active';
  lease(): Lease | null;
  send(command: TokenCommand): void;
  /** The actor itself. */
  actor: ActorRefFromLogic<typeof tokenMachine>;
}

export function startToken(clock: Clock, held: Lease | null = null): LoneToken {
  const heard: Heard = { recorded: [], refused: [], news: [] };
  const token = tokenMachine.provide({
    actions: {
      record: ({ context }, { type, reason, at }) => {
        heard.recorded.push({ type, reason, at, lease: context.lease });
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
      token: ({ spawn }) => spawn('token', { input: { tokenId, lease: held, at: clock.now() } }),
    }),
    on: { '*': { actions: ({ event }) => void heard.news.push(event) } },
  });
  const root = createActor(supervisor, { clock: clock as never }).start();
  const actor = root.getSnapshot().context.token!;
  return {
    ...heard,
    actor,
    state: () => actor.getSnapshot().value,
    lease: () => actor.getSnapshot().context.lease,
    send: (command) => actor.send(command),
  };
}
