/** The machine of the chosen token, as it stands and with what it has just done; and that of its supervisor. */
import { statusOf } from '../../../lease/lease.ts';
import { charts } from '../chart/charts.ts';
import { MachineChart } from '../chart/machine-chart.tsx';
import type { Timer } from '../chart/taken.ts';
import { stateOf } from '../chart/taken-by.ts';
import { tokenName } from '../format.ts';
import { timeLeft } from '../store/arrangement.ts';
import { stageOf } from '../store/connection.ts';
import { options } from '../store/drawn.ts';
import { tokenOut } from '../store/picture.ts';
import { chosenToken, connection, isPast, serviceNow, shown } from '../store/store.ts';
import { noteTaken, taken } from '../store/taken.ts';
import { tick } from '../store/ticking.ts';
import type { Token } from '../wire.ts';

noteTaken();

export function Machines() {
  const id = chosenToken.value;
  const token = id === null ? undefined : shown.value?.picture.tokens.get(id);
  return (
    <section class="charts" aria-labelledby="charts-title">
      <h2 id="charts-title">State machines</h2>
      <div class="charts-pair">
        <div>
          <h3>{token ? `Token ${tokenName(token.name, token.tokenId)}` : 'A token'}</h3>
          <TokenMachine token={token} />
        </div>
        <div>
          <h3>Its supervisor</h3>
          <MachineChart
            chart={charts.pool}
            state={isPast.value ? null : stageOf(connection.value)}
            taken={null}
            timer={null}
          />
        </div>
      </div>
    </section>
  );
}

function TokenMachine({ token }: { token: Token | undefined }) {
  tick.value;
  const state = token ? stateOf(tokenOut(token, statusOf(token))) : null;
  return (
    <MachineChart
      chart={charts.token}
      state={state}
      taken={taken.value}
      timer={token && state ? timerOf(token, state) : null}
    />
  );
}

const delays: Record<string, string> = {
  active: 'untilDeadline',
  resting: 'untilRested',
  idle: 'untilUnwanted',
};

function timerOf(token: Token, state: string): Timer | null {
  const delay = delays[state];
  const left = timeLeft(token, options.value, serviceNow());
  return delay && left ? { delay, ...left } : null;
}
