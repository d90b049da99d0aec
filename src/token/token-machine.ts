/**
 * One token's life: `available` ⇄ `active`, with rests, maintenance and an end where its pool has them. Owns the lease
 * and the timer of whatever the token is in. Knows no HTTP, no SQL, no clock and no other token: time comes in with each
 * command, and what it wants done leaves it as the actions `record` and `refuse`, which the host provides, or as a word
 * to its supervisor.
 */
import {
  activated,
  created,
  deleted,
  expired,
  released,
  renewed,
  rested,
  restored,
  withdrawn,
} from './saying.ts';
import type { TokenCommand } from './token.ts';
import { tokenSetup } from './token-setup.ts';

/** A command that a state is asked by; `Any`: whatever comes, a timer too. */
interface Asked<T extends TokenCommand['type']> {
  event: Extract<TokenCommand, { type: T }>;
}
interface Any {
  event: TokenCommand;
}

/** A timer fires now; where it is late, `PASS` says when that is. */
const timeOf = (event: TokenCommand): number | null => (event.type === 'PASS' ? event.at : null);

// What ends by itself: by its timer, or by a PASS once it is due.
const expiry = {
  target: 'available',
  actions: [
    { type: 'runOut', params: ({ event }: Any) => ({ at: timeOf(event) }) },
    { type: 'record', params: ({ event }: Any) => expired('ttl_expired', timeOf(event)) },
    'tellMoved',
  ],
} as const;
const waking = {
  target: 'available',
  actions: [
    { type: 'wake', params: ({ event }: Any) => ({ at: timeOf(event) }) },
    { type: 'record', params: ({ event }: Any) => rested(timeOf(event)) },
    'tellMoved',
  ],
} as const;
const idleExpiry = {
  target: 'deleted',
  actions: { type: 'record', params: ({ event }: Any) => deleted('idle_ttl_expired', timeOf(event)) },
} as const;
const isDue = { type: 'isDue', params: ({ event }: Asked<'PASS'>) => event } as const;

/** Wherever nobody holds it. */
const { on: whereFree } = tokenSetup.createStateConfig({
  on: {
    RENEW: { actions: { type: 'refuse', params: { code: 'token_not_active' } } },
    RELEASE: { actions: { type: 'refuse', params: { code: 'token_not_active' } } },
    WITHDRAW: {
      target: 'withdrawn',
      actions: [
        { type: 'setAside', params: ({ event }: Asked<'WITHDRAW'>) => event },
        { type: 'record', params: ({ event }: Asked<'WITHDRAW'>) => withdrawn(event) },
        'tellMoved',
      ],
    },
    RESTORE: { actions: { type: 'refuse', params: { code: 'token_not_withdrawn' } } },
    RULE: [
      {
        guard: { type: 'isToLeave', params: ({ event }: Asked<'RULE'>) => event },
        target: 'deleted',
        actions: {
          type: 'record',
          params: ({ event: { leaving, at } }: Asked<'RULE'>) => deleted(leaving!, at),
        },
      },
      // A timer goes on from where it was set.
      { actions: { type: 'goBy', params: ({ event }: Asked<'RULE'>) => event } },
    ],
  },
});

const { on: whereGrantable } = tokenSetup.createStateConfig({
  on: {
    ALLOCATE: {
      target: 'active',
      actions: [
        { type: 'hold', params: ({ event }: Asked<'ALLOCATE'>) => event },
        { type: 'record', params: ({ event: { reason, at } }: Asked<'ALLOCATE'>) => activated(reason, at) },
      ],
    },
  },
});

export const tokenMachine = tokenSetup.createMachine({
  id: 'token',
  context: ({ input }) => input,
  initial: 'available',
  states: {
    /** Free to be granted. Where it starts, and where it comes back to: what else it may be is decided here. */
    available: {
      always: [
        {
          guard: 'isNew',
          actions: [
            { type: 'record', params: ({ context }) => created(context.created!, context.at) },
            'appear',
            'tellMoved',
          ],
        },
        {
          guard: 'ranOutUnseen',
          actions: [
            { type: 'runOut', params: ({ context: { at } }) => ({ at }) },
            {
              type: 'record',
              params: ({ context: { at } }) => expired('ttl_expired_while_down', at),
            },
            'tellMoved',
          ],
        },
        { guard: 'isHeld', target: 'active' },
        {
          guard: 'leaves',
          target: 'deleted',
          actions: { type: 'record', params: ({ context }) => deleted(context.leaving!, context.at) },
        },
        { guard: 'isWithdrawn', target: 'withdrawn' },
        { guard: 'rests', target: 'resting' },
        { guard: 'isKeptForAWhile', target: 'idle' },
      ],
      on: { ...whereFree, ...whereGrantable },
    },
    /** Free to be granted, and deleted when nobody asks for it in time. */
    idle: {
      after: { untilUnwanted: idleExpiry },
      on: { ...whereFree, ...whereGrantable, PASS: { guard: isDue, ...idleExpiry } },
    },
    active: {
      after: { untilDeadline: expiry },
      on: {
        PASS: { guard: isDue, ...expiry },
        EVICT: {
          target: 'active',
          reenter: true,
          actions: [
            { type: 'end', params: ({ event }) => event },
            { type: 'record', params: ({ event: { reason, at } }) => released(reason, at) },
            { type: 'hold', params: ({ event }) => event },
            { type: 'record', params: ({ event: { at } }) => activated('allocated_after_eviction', at) },
          ],
        },
        RENEW: [
          {
            guard: { type: 'disproven', params: ({ event }) => event },
            actions: { type: 'refuse', params: { code: 'lease_mismatch' } },
          },
          { guard: 'runsOut', actions: { type: 'refuse', params: { code: 'token_withdrawn' } } },
          {
            target: 'active',
            reenter: true,
            actions: [
              { type: 'prolong', params: ({ event }) => event },
              { type: 'record', params: ({ event }) => renewed(event) },
              'tellUsed',
            ],
          },
        ],
        RELEASE: [
          {
            guard: { type: 'disproven', params: ({ event }) => event },
            actions: { type: 'refuse', params: { code: 'lease_mismatch' } },
          },
          {
            target: 'available',
            actions: [
              { type: 'end', params: ({ event }) => event },
              { type: 'record', params: ({ event: { reason, at } }) => released(reason, at) },
              'tellMoved',
            ],
          },
        ],
        RECALL: {
          target: 'available',
          actions: [
            { type: 'end', params: ({ event }) => event },
            { type: 'record', params: ({ event: { reason, at } }) => released(reason, at) },
            'tellMoved',
          ],
        },
        WITHDRAW: [
          {
            guard: { type: 'endsLease', params: ({ event }) => event },
            target: 'available',
            actions: [
              { type: 'setAside', params: ({ event }) => event },
              { type: 'record', params: ({ event }) => withdrawn(event) },
              'tellMoved',
              { type: 'end', params: ({ event: { at } }) => ({ at, reason: 'maintenance' }) },
              { type: 'record', params: ({ event: { at } }) => released('maintenance', at) },
              'tellMoved',
            ],
          },
          {
            actions: [
              { type: 'setAside', params: ({ event }) => event },
              { type: 'record', params: ({ event }) => withdrawn(event) },
              'tellMoved',
            ],
          },
        ],
        RESTORE: [
          {
            guard: 'isWithdrawn',
            actions: [
              { type: 'takeBack', params: ({ event }) => event },
              { type: 'record', params: ({ event }) => restored(event) },
              'tellMoved',
            ],
          },
          { actions: { type: 'refuse', params: { code: 'token_not_withdrawn' } } },
        ],
        RULE: { actions: [{ type: 'goBy', params: ({ event }) => event }, 'tellPlace'] },
      },
    },
    resting: {
      after: { untilRested: waking },
      on: { ...whereFree, PASS: { guard: isDue, ...waking } },
    },
    /** In maintenance. */
    withdrawn: {
      on: {
        ...whereFree,
        RESTORE: {
          target: 'available',
          actions: [
            { type: 'takeBack', params: ({ event }) => event },
            { type: 'record', params: ({ event }) => restored(event) },
            'tellMoved',
          ],
        },
      },
    },
    deleted: { type: 'final', entry: 'tellGone' },
  },
});
