/** How much of a pool was leased in the last hour, minute by minute, and what happened to it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { hourAndMinute, number } from '../format.ts';
import { columnsOf, gapInWords, hourInWords, totalsOf } from './hour.ts';
import type { HourPlot } from './hour-plot.ts';
import { Panel } from './panel.tsx';
import type { Statistics } from './shapes.ts';

interface Props {
  /** null: not there yet. */
  statistics: Statistics | null;
  /** How many tokens the pool has; null: unknown. */
  size: number | null;
}

export function Occupancy({ statistics, size }: Props) {
  const [place, setPlace] = useState<number | null>(null);
  const buckets = statistics?.buckets ?? [];
  const bucket = place === null ? undefined : buckets[place];
  const shown = bucket ?? totalsOf(buckets);
  return (
    <Panel name="occupancy" title="Last hour">
      <p class="panel-says">
        {statistics === null ? 'Reading the last hour…' : hourInWords(statistics, size)}
      </p>
      {statistics !== null && !statistics.complete && <p class="panel-warns">{gapInWords(statistics)}</p>}
      <ul class="legend" aria-hidden="true">
        <li class="legend-when">{bucket ? hourAndMinute(bucket.at) : 'whole hour'}</li>
        <Key swatch="active" name="leased" value={shown.active} />
        <Key swatch="activated" name="allocated" value={shown.activated} />
        <Key swatch="evicted" name="evicted" value={shown.evicted} />
        <Key swatch="expired" name="expired" value={shown.expired} />
        {size !== null && <Key swatch="size" name="pool" value={size} />}
      </ul>
      <HourChart statistics={statistics} size={size} look={setPlace} />
      {statistics !== null && <HourTable statistics={statistics} />}
    </Panel>
  );
}

const Key = ({ swatch, name, value }: { swatch: string; name: string; value: number }) => (
  <li>
    <span class={`swatch swatch-${swatch}`} />
    {name} <b>{number(value)}</b>
  </li>
);

function HourChart({ statistics, size, look }: Props & { look: (place: number | null) => void }) {
  const above = useRef<HTMLDivElement>(null);
  const below = useRef<HTMLDivElement>(null);
  const [plot, setPlot] = useState<HourPlot | 'failed' | null>(null);
  useEffect(() => {
    let isOver = false;
    let drawn: HourPlot | undefined;
    import('./hour-plot.ts').then(
      ({ drawHour }) => {
        if (isOver) return;
        drawn = drawHour({ leases: above.current!, facts: below.current! }, look);
        setPlot(drawn);
      },
      () => isOver || setPlot('failed'),
    );
    return () => {
      isOver = true;
      drawn?.destroy();
    };
  }, [look]);
  useEffect(() => {
    if (plot !== null && plot !== 'failed' && statistics !== null) plot.show(columnsOf(statistics), size);
  }, [plot, statistics, size]);
  return (
    <>
      {plot === 'failed' && <p class="panel-warns">The chart could not be loaded.</p>}
      <div
        class="hour-chart"
        aria-hidden="true"
        style={{ visibility: statistics === null ? 'hidden' : 'visible' }}
      >
        <div class="hour-leases" ref={above} />
        <p class="hour-way">allocated ↑ up, evicted and expired ↓ down</p>
        <div class="hour-facts" ref={below} />
      </div>
    </>
  );
}

/** The same for those who do not see it. */
function HourTable({ statistics: { buckets } }: { statistics: Statistics }) {
  return (
    <div class="for-readers">
      <table>
        <caption>Leases at the end of each minute, and what happened in it</caption>
        <thead>
          <tr>
            {['Minute', 'Leased', 'Allocated', 'Evicted', 'Expired'].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {buckets.map(({ at, active, activated, evicted, expired }) => (
            <tr key={at}>
              <th scope="row">{hourAndMinute(at)}</th>
              <td>{active}</td>
              <td>{activated}</td>
              <td>{evicted}</td>
              <td>{expired}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
