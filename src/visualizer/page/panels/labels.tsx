/** The labels of a pool's tokens, and how many tokens of each are free. */
import { counted } from '../format.ts';
import type { TokenShown } from './shapes.ts';
import { type LabelCounts, labelCounts } from './tokens-read.ts';

/** More are counted, but not listed. */
const most = 24;

export function Labels({ tokens }: { tokens: readonly TokenShown[] }) {
  const counts = labelCounts(tokens);
  if (counts.length === 0) return null;
  const names = [...new Set(counts.slice(0, most).map(({ label }) => label))];
  return (
    <section aria-labelledby="pool-labels">
      <h3 id="pool-labels">Labels</h3>
      <dl class="labels">
        {names.map((name) => (
          <div key={name}>
            <dt>{name}</dt>
            {counts
              .slice(0, most)
              .flatMap((one) => (one.label === name ? [<Value key={one.value} {...one} />] : []))}
          </div>
        ))}
      </dl>
      {counts.length > most && <p class="panel-none">and {counted(counts.length - most, 'more value')}</p>}
    </section>
  );
}

const Value = ({ value, free, held, other }: LabelCounts) => (
  <dd class="label">
    <span class="label-value">{value}</span>
    <span class="label-free">{free} free</span>
    <span class="label-held">{held} held</span>
    {other > 0 && <span class="label-other">{other} out of use</span>}
  </dd>
);
