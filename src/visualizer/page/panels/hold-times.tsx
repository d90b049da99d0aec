/** How long leases were held that ended in the last hour. */
import { counted, duration, number } from '../format.ts';
import { heldRows, medianHeld, totalOf } from './held.ts';
import { Panel } from './panel.tsx';
import type { HeldBucket, Statistics } from './shapes.ts';

/** null: not there yet. */
export function HoldTimes({ statistics }: { statistics: Statistics | null }) {
  const held = statistics?.held ?? [];
  return (
    <Panel name="hold-times" title="How long leases were held">
      <p class="panel-says">{statistics === null ? 'Reading the last hour…' : inWords(held)}</p>
      <div class="held-frame">
        <table class="held">
          <thead class="for-readers">
            <tr>
              <th scope="col">Held for</th>
              <th scope="col">Share</th>
              <th scope="col">Leases</th>
            </tr>
          </thead>
          <tbody>
            {heldRows(held).map(({ label, leases, share, hasMedian }) => (
              <tr key={label} class={hasMedian ? 'held-median' : undefined}>
                <th scope="row">{label}</th>
                <td class="held-track" style={{ '--share': share }}>
                  <span class="held-bar" />
                  {hasMedian && <span class="held-mark">median</span>}
                </td>
                <td class="held-count">{number(leases)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function inWords(held: readonly HeldBucket[]): string {
  const median = medianHeld(held);
  if (median === null) return 'No lease has ended in this hour.';
  const { overMs, upToMs } = median;
  const bounds =
    upToMs === null
      ? `for more than ${duration(overMs)}`
      : overMs === 0
        ? `for ${duration(upToMs)} or less`
        : `between ${duration(overMs)} and ${duration(upToMs)}`;
  const total = totalOf(held);
  return `${counted(total, 'lease')} ended, ${total === 1 ? 'and was' : 'the median'} held ${bounds}.`;
}
