/** The past of a token on a line of time: who held it, from when to when, and how it ended. */
import { duration, hourAndMinute, shortId, timeOfDay } from '../format.ts';
import { isPast, serviceNow } from '../store/store.ts';
import { tick } from '../store/ticking.ts';
import { beginningOf, type Span, spansOf } from '../store/timeline.ts';
import { tokenFacts } from '../store/token-facts.ts';
import { reasonInWords } from '../store/words.ts';

const drawnMax = 40;
const listedMax = 8;

export function Past({ tokenId }: { tokenId: string }) {
  tick.value;
  const now = serviceNow();
  const facts = (tokenFacts.value ?? []).filter((fact) => fact.token_id === tokenId);
  const spans = spansOf(facts).slice(-drawnMax);
  return (
    <section class="past" aria-labelledby="past-title">
      <h3 id="past-title">History</h3>
      <Line spans={spans} now={now} />
      {spans.length === 0 && (
        <p class="soft">{tokenFacts.value === null ? 'Reading its facts…' : 'Nobody has held it yet.'}</p>
      )}
      <ol class="past-list">
        {spans
          .slice(-listedMax)
          .reverse()
          .map((span) => (
            <Listed key={`${span.kind}${span.seq}`} span={span} now={now} />
          ))}
      </ol>
    </section>
  );
}

const isEvicted = ({ reason }: Span): boolean => reason?.endsWith('eviction') ?? false;

function Line({ spans, now }: { spans: Span[]; now: number }) {
  const from = beginningOf(spans, now - 60_000);
  const whole = Math.max(1, now - from);
  const part = (at: number) => (100 * (at - from)) / whole;
  return (
    <div class="line" aria-hidden="true">
      <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
        {spans.map((span) => {
          const begin = part(span.from ?? from);
          return (
            <rect
              key={`${span.kind}${span.seq}`}
              class={`span span-${span.kind}${isEvicted(span) ? ' span-evicted' : ''}`}
              x={begin}
              y={span.kind === 'active' ? 1 : 3.5}
              width={Math.max(0.4, part(span.to ?? now) - begin)}
              height={span.kind === 'active' ? 8 : 3}
            />
          );
        })}
        {spans.flatMap(({ renewedAt }) =>
          renewedAt.map((at) => (
            <rect key={at} class="span-renewed" x={part(at)} y={1} width={0.3} height={8} />
          )),
        )}
      </svg>
      <p>
        <span>{hourAndMinute(from)}</span>
        {spans.some(isEvicted) && (
          <span>
            <span class="key-outline" /> ended by an eviction
          </span>
        )}
        <span>{timeOfDay(now)}</span>
      </p>
    </div>
  );
}

function Listed({ span, now }: { span: Span; now: number }) {
  const { kind, userId, from, to, reason, renewedAt } = span;
  const name =
    kind === 'active' ? shortId(userId ?? '', 24) : kind === 'resting' ? 'rested' : 'in maintenance';
  return (
    <li>
      <span class={`dot ${kind}`} aria-hidden="true" />
      <strong class="cut">
        <bdi>{name}</bdi>
      </strong>
      <span class="mono">
        {from === null ? 'before' : timeOfDay(from)} –{' '}
        {to === null ? (isPast.value ? 'until this moment' : 'now') : timeOfDay(to)}
      </span>
      <span class="soft">
        {from !== null && duration(Math.max(0, (to ?? now) - from))}
        {renewedAt.length > 0 && `, renewed ${renewedAt.length}×`}
        {reason !== null && `, ${reasonInWords(reason)}`}
      </span>
    </li>
  );
}
