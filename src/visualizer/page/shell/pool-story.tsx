/** The panels of the pool, with what they show: messages, the last hour, how long leases were held, what happens just now, and how it is set up. */
import { statusOf } from '../../../lease/lease.ts';
import { HoldTimes } from '../panels/hold-times.tsx';
import { Messages } from '../panels/messages.tsx';
import { Occupancy } from '../panels/occupancy.tsx';
import { PoolPanel } from '../panels/pool-panel.tsx';
import { Rates } from '../panels/rates.tsx';
import type { WireOptions } from '../panels/shapes.ts';
import { longestHeld } from '../panels/tokens-read.ts';
import { act } from '../store/allocate.ts';
import { counts, options } from '../store/drawn.ts';
import { nameOf } from '../store/names.ts';
import { isElsewhere, takeBack } from '../store/one-tab.ts';
import { tokenOut } from '../store/picture.ts';
import { canAct, choose, connection, isPast, poolName, queue, serviceNow, shown } from '../store/store.ts';
import { tick } from '../store/ticking.ts';
import {
  clearMessages,
  dropped,
  isListening,
  ratesNow,
  statistics,
  steps,
  watch,
} from '../store/watching.ts';

watch();

export function PoolStory() {
  const counted = counts.value;
  // Nothing is told of what is not there.
  if (connection.value.kind === 'no_pool' && shown.value === null) return null;
  const total = counted && counted.available + counted.active + counted.resting + counted.withdrawn;
  return (
    <div class={isPast.value ? 'panels panels-past' : 'panels'}>
      {!isPast.value && <MessagesNow />}
      <Occupancy statistics={statistics.value} size={total} />
      <HoldTimes statistics={statistics.value} />
      <SecondBySecond />
    </div>
  );
}

/** Reads all tokens: once a second is enough. */
function SecondBySecond() {
  tick.value;
  canAct.value;
  const picture = shown.peek()?.picture;
  const counted = counts.peek();
  if (picture === undefined || counted === null) return null;
  const tokens = [...picture.tokens.values()].map((token) => tokenOut(token, statusOf(token)));
  const nowMs = serviceNow();
  const total = tokens.length;
  const acts = !canAct.value
    ? {}
    : {
        onWithdraw: (id: string, how: object) => void act(id, 'withdraw', how),
        onRestore: (id: string) => void act(id, 'restore'),
      };
  return (
    <>
      {!isPast.value && (
        <Rates rates={ratesNow()} longest={longestHeld(tokens)} nowMs={nowMs} onChoose={choose} />
      )}
      <PoolPanel
        pool={{
          name: poolName.value,
          options: options.peek() as WireOptions | null,
          counts: { ...counted, total },
        }}
        queue={isPast.value ? null : queue.value}
        tokens={tokens}
        nowMs={nowMs}
        {...acts}
      />
    </>
  );
}

function MessagesNow() {
  return (
    <Messages
      steps={steps.value}
      dropped={dropped.value}
      nameOf={nameOf}
      isListening={isListening.value}
      onClear={clearMessages}
      onTakeBack={isElsewhere.value ? takeBack : null}
    />
  );
}
