/** A pool as it is set up: who waits in its line, its tokens in maintenance, its labels, and its options. */
import { counted, number } from '../format.ts';
import { Labels } from './labels.tsx';
import { Maintenance, type MaintenanceActions } from './maintenance.tsx';
import { optionRows } from './option-rows.ts';
import { Panel } from './panel.tsx';
import type { Counts, PoolShown, Queue, TokenShown, WireOptions } from './shapes.ts';
import { WaitingLine } from './waiting-line.tsx';

interface Props extends MaintenanceActions {
  pool: PoolShown;
  /** null: unknown, as it is of the past. */
  queue: Queue | null;
  tokens: readonly TokenShown[];
  /** By the service's clock. */
  nowMs: number;
}

export function PoolPanel({ pool: { name, options, counts }, queue, tokens, nowMs, ...actions }: Props) {
  return (
    <Panel name="pool" title={`Pool ${name}`}>
      <Shares counts={counts} />
      <div class="pool-rest">
        <WaitingLine queue={queue} nowMs={nowMs} />
        <Maintenance tokens={tokens} {...actions} />
        <Labels tokens={tokens} />
      </div>
      <section class="pool-options" aria-labelledby="pool-options">
        <h3 id="pool-options">Options</h3>
        {options === null ? (
          <p class="panel-none">The log no longer says what they were.</p>
        ) : (
          <Options options={options} />
        )}
      </section>
    </Panel>
  );
}

/** What the tokens are in, as parts of a bar. */
function Shares({ counts: { available, active, total, resting = 0, withdrawn = 0 } }: { counts: Counts }) {
  const parts = [
    ['active', 'held', active],
    ['available', 'free', available],
    ['resting', 'resting', resting],
    ['withdrawn', 'in maintenance', withdrawn],
  ] as const;
  const there = parts.filter(
    ([status, , count]) => count > 0 || status === 'active' || status === 'available',
  );
  return (
    <div class="shares">
      <div class="shares-bar" aria-hidden="true">
        {there.map(([status, , count]) => (
          <span key={status} class={`share share-${status}`} style={{ flexGrow: `${count}` }} />
        ))}
      </div>
      <ul class="legend">
        {there.map(([status, word, count]) => (
          <li key={status}>
            <span class={`swatch swatch-${status}`} />
            {word} <b>{number(count)}</b>
          </li>
        ))}
        <li class="shares-total">{counted(total, 'token')}</li>
      </ul>
    </div>
  );
}

function Options({ options }: { options: WireOptions }) {
  return (
    <dl class="options">
      {optionRows(options).map(({ name, means, value, otherwise }) => (
        <div key={name} class={otherwise === null ? undefined : 'chosen'}>
          <dt>
            <code>{name}</code>
            <span class="option-means">{means}</span>
          </dt>
          <dd>
            <span class="option-value">{value}</span>
            {otherwise !== null && <span class="option-otherwise">default: {otherwise}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
