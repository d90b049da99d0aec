/**
 * The supervisor of a pool's tokens: starts one actor per token, chooses the token for each newcomer, keeps the line of those
 * who wait, and says what the service is doing. Owns the order of use. Knows no HTTP, no SQL and no clock.
 */
import { Deadlines } from './deadlines.ts';
import { Line } from './line.ts';
import { OrderOfUse } from './order-of-use.ts';
import { poolSetup } from './pool-setup.ts';
import { Prospects } from './prospects.ts';

export const poolMachine = poolSetup.createMachine({
  id: 'pool',
  context: ({ input }) => ({
    ...input,
    seq: 0,
    order: new OrderOfUse(),
    deadlines: new Deadlines(),
    line: new Line(),
    prospects: new Prospects(),
    unsettled: [],
  }),
  initial: 'starting',
  on: {
    ALLOCATE: { actions: { type: 'refuse', params: { code: 'unavailable' } } },
    RENEW: { actions: { type: 'refuse', params: { code: 'unavailable' } } },
    RELEASE: { actions: { type: 'refuse', params: { code: 'unavailable' } } },
    RELEASE_ALL: { actions: { type: 'refuse', params: { code: 'unavailable' } } },
    CLOSE: { actions: { type: 'refuse', params: { code: 'unavailable' } } },
    CREATE: { actions: { type: 'refuse', params: { code: 'unavailable' } } },
    DELETE: { actions: { type: 'refuse', params: { code: 'unavailable' } } },
    WITHDRAW: { actions: { type: 'refuse', params: { code: 'unavailable' } } },
    RESTORE: { actions: { type: 'refuse', params: { code: 'unavailable' } } },
    CHANGE: { actions: { type: 'refuse', params: { code: 'unavailable' } } },
    LEAVE: { actions: { type: 'leaveLine', params: ({ event }) => event } },
    SWEEP: { actions: { type: 'doWhatIsDue', params: ({ event }) => event } },
    USED: { actions: { type: 'noteUsed', params: ({ event }) => event } },
    MOVED: { actions: { type: 'noteMoved', params: ({ event }) => event } },
    GONE: { actions: { type: 'noteGone', params: ({ event }) => event } },
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
        GROW: {
          actions: {
            type: 'createTokens',
            params: ({ event: { at, tokens } }) => ({ at, tokens, reason: 'pool_grown' }),
          },
        },
        SETTLE: [
          { guard: 'isBeingSettled', actions: { type: 'settle', params: ({ event }) => event } },
          { actions: ['unsettle', { type: 'settle', params: ({ event }) => event }] },
        ],
        ALLOCATE: [
          {
            guard: { type: 'isNotProvenToHold', params: ({ event }) => event },
            actions: { type: 'refuse', params: { code: 'lease_proof_required' } },
          },
          {
            guard: { type: 'wantsTheSame', params: ({ event }) => ({ ...event, as: 'return' }) },
            actions: {
              type: 'showHeld',
              params: ({ context: { order }, event: { userId, labels } }) => ({
                leaseId: order.newestOf(userId, labels)!.leaseId!,
              }),
            },
          },
          {
            guard: { type: 'wantsTheSame', params: ({ event }) => ({ ...event, as: 'renew' }) },
            actions: { type: 'renewHeld', params: ({ event }) => event },
          },
          {
            guard: { type: 'hasEnough', params: ({ event }) => event },
            actions: { type: 'refuse', params: { code: 'user_limit_reached' } },
          },
          {
            guard: { type: 'enoughAreFree', params: ({ event }) => event },
            actions: { type: 'grant', params: ({ event }) => event },
          },
          {
            guard: { type: 'noneCouldEverFit', params: ({ event }) => event },
            actions: { type: 'refuse', params: { code: 'no_such_token' } },
          },
          {
            guard: { type: 'enoughCanBeEvicted', params: ({ event }) => event },
            actions: { type: 'grant', params: ({ event }) => event },
          },
          {
            guard: { type: 'lineIsFull', params: ({ event }) => event },
            actions: { type: 'refuse', params: { code: 'queue_full' } },
          },
          {
            guard: { type: 'waits', params: ({ event }) => event },
            actions: [{ type: 'joinLine', params: ({ event }) => event }, 'keepWaiting'],
          },
          { actions: { type: 'refuse', params: { code: 'pool_full' } } },
        ],
        SERVE: { actions: { type: 'serveLine', params: ({ event }) => event } },
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
        // Who waits is sent away first, or would be granted what comes free.
        CLOSE: {
          actions: [
            { type: 'dismissAll', params: { code: 'pool_not_found' } },
            'clearLine',
            { type: 'recallAll', params: ({ event: { at } }) => ({ at, reason: 'pool_deleted' }) },
          ],
        },
        CREATE: [
          { guard: 'isFixed', actions: { type: 'refuse', params: { code: 'pool_not_elastic' } } },
          {
            guard: { type: 'nameIsTaken', params: ({ event }) => event },
            actions: { type: 'refuse', params: { code: 'name_taken' } },
          },
          { guard: 'isOfFullSize', actions: { type: 'refuse', params: { code: 'pool_limit_reached' } } },
          {
            actions: {
              type: 'createTokens',
              params: ({ event: { at, token } }) => ({ at, tokens: [token], reason: 'token_created' }),
            },
          },
        ],
        DELETE: [
          { guard: 'isFixed', actions: { type: 'refuse', params: { code: 'pool_not_elastic' } } },
          {
            guard: { type: 'tokenIsKnown', params: ({ event }) => event },
            actions: { type: 'deleteToken', params: ({ event }) => event },
          },
          { actions: { type: 'refuse', params: { code: 'not_found' } } },
        ],
        WITHDRAW: [
          {
            guard: { type: 'tokenIsKnown', params: ({ event }) => event },
            actions: { type: 'passOn', params: ({ event }) => event },
          },
          { actions: { type: 'refuse', params: { code: 'not_found' } } },
        ],
        RESTORE: [
          {
            guard: { type: 'tokenIsKnown', params: ({ event }) => event },
            actions: { type: 'passOn', params: ({ event }) => event },
          },
          { actions: { type: 'refuse', params: { code: 'not_found' } } },
        ],
        CHANGE: {
          actions: [
            { type: 'recordChange', params: ({ event }) => event },
            { type: 'goBy', params: ({ event }) => event },
          ],
        },
        JOURNAL_LOST: 'degraded',
        FENCED: 'fenced',
      },
    },
    degraded: {
      on: { JOURNAL_BACK: 'serving', FENCED: 'fenced' },
    },
    stopping: { entry: [{ type: 'dismissAll', params: { code: 'unavailable' } }, 'clearLine'] },
    // Not a final state: XState stops the children of a final one one by one, each time copying all of them.
    fenced: { entry: [{ type: 'dismissAll', params: { code: 'unavailable' } }, 'clearLine'] },
  },
});
