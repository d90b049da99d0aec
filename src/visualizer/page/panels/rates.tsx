/** How often something happens just now, and who has held a token longest. */
import { elapsed, perSecond, shortId, timeOfDay } from '../format.ts';
import { Panel } from './panel.tsx';
import { type Rated, type Rates as Reading, rated } from './rate-meter.ts';
import type { HeldLong } from './tokens-read.ts';

interface Props {
  rates: Reading;
  longest: readonly HeldLong[];
  /** By the service's clock. */
  nowMs: number;
  /** Called with the id of a token that is to be looked at. */
  onChoose?: (tokenId: string) => void;
}

const names: Record<Rated, string> = { activated: 'allocations', evicted: 'evictions', expired: 'expiries' };

export function Rates({ rates, longest, nowMs, onChoose }: Props) {
  const over = rates.overMs >= 60_000 ? 'the last minute' : `the ${elapsed(rates.overMs)} so far`;
  return (
    <Panel name="rates" title="Just now">
      <p class="panel-says">On average over {over}.</p>
      <dl class="rates">
        {rated.map((kind) => (
          <div key={kind} class={`rate rate-${kind}`}>
            <dt>{names[kind]}</dt>
            <dd>{perSecond(rates.perSecond[kind])}</dd>
            <Spark seconds={rates.seconds[kind]} />
          </div>
        ))}
      </dl>
      <h3>Held longest</h3>
      {longest.length === 0 && <p class="panel-none">Nobody holds a token.</p>}
      <ol class="longest">
        {longest.map(({ tokenId, name, userId, since }) => (
          <li key={tokenId}>
            <b class="longest-for">{elapsed(nowMs - since)}</b>
            <span class="longest-user" title={userId}>
              {shortId(userId, 24)}
            </span>
            <TokenName name={name} {...(onChoose && { onChoose: () => onChoose(tokenId) })} />
            <time class="longest-since" dateTime={new Date(since).toISOString()}>
              since {timeOfDay(since)}
            </time>
          </li>
        ))}
      </ol>
    </Panel>
  );
}

const TokenName = ({ name, onChoose }: { name: string; onChoose?: () => void }) =>
  onChoose ? (
    <button type="button" class="link mono" aria-label={`Look at token ${name}`} onClick={onChoose}>
      {name}
    </button>
  ) : (
    <span class="mono">{name}</span>
  );

/** A minute of seconds, newest at the right. */
function Spark({ seconds }: { seconds: readonly number[] }) {
  const top = Math.max(1, ...seconds);
  return (
    <svg class="spark" viewBox={`0 0 ${seconds.length} 20`} preserveAspectRatio="none" aria-hidden="true">
      {seconds.map((count, second) => {
        const height = count === 0 ? 0 : Math.max(1.5, (count / top) * 20);
        // The seconds themselves have no other name.
        return <rect key={second} x={second} y={20 - height} width={0.8} height={height} />;
      })}
    </svg>
  );
}
