/** The same tokens as a list: a row each, and only those made that can be seen. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { statusOf } from '../../../lease/lease.ts';
import { countdown, labelsText, shortId, tokenName } from '../format.ts';
import { lookAtPanel } from '../shell/into-view.ts';
import { timeLeft } from '../store/arrangement.ts';
import { drawn, matches, options } from '../store/drawn.ts';
import { choose, chosenToken, serviceNow } from '../store/store.ts';
import { tick } from '../store/ticking.ts';
import { statusWords } from '../store/words.ts';
import type { Token } from '../wire.ts';

const rowHeight = 32;
const beyond = 6;

export function TokenList() {
  const room = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(480);
  tick.value;
  const rows = matches.value ? drawn.value.filter(({ tokenId }) => matches.value!.has(tokenId)) : drawn.value;
  const chosen = rows.findIndex(({ tokenId }) => tokenId === chosenToken.value);

  useEffect(() => {
    const sizes = new ResizeObserver(() => {
      height.value = room.current!.clientHeight;
    });
    sizes.observe(room.current!);
    return () => sizes.disconnect();
  }, []);
  useEffect(() => {
    const { current } = room;
    if (chosen < 0 || current === null) return;
    const y = chosen * rowHeight;
    if (y < current.scrollTop) current.scrollTop = y;
    else if (y + rowHeight > current.scrollTop + current.clientHeight)
      current.scrollTop = y + rowHeight - current.clientHeight;
  }, [chosen]);

  const press = (event: KeyboardEvent) => {
    const to: Record<string, number> = {
      ArrowUp: chosen - 1,
      ArrowDown: chosen + 1,
      PageUp: chosen - 10,
      PageDown: chosen + 10,
      Home: 0,
      End: rows.length - 1,
    };
    if (!(event.key in to) || rows.length === 0) return;
    event.preventDefault();
    choose(rows[Math.max(0, Math.min(rows.length - 1, to[event.key]!))]!.tokenId);
  };
  const first = Math.max(0, Math.floor(top.value / rowHeight) - beyond);
  const seen = rows.slice(first, first + Math.ceil(height.value / rowHeight) + 2 * beyond);
  const isSeen = chosen >= first && chosen < first + seen.length;
  return (
    <div
      ref={room}
      class="token-list"
      role="listbox"
      tabIndex={0}
      aria-label="Tokens"
      aria-activedescendant={isSeen ? `row-${rows[chosen]!.tokenId}` : undefined}
      onScroll={() => {
        top.value = room.current!.scrollTop;
      }}
      onKeyDown={press}
    >
      <div role="presentation" style={{ height: `${first * rowHeight}px` }} />
      {seen.map((token, index) => (
        <Row key={token.tokenId} token={token} place={first + index + 1} of={rows.length} />
      ))}
      <div role="presentation" style={{ height: `${(rows.length - first - seen.length) * rowHeight}px` }} />
    </div>
  );
}

function Row({ token, place, of }: { token: Token; place: number; of: number }) {
  const { tokenId, name, labels, lease } = token;
  const status = statusOf(token);
  const left = timeLeft(token, options.value, serviceNow());
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the keys, as a listbox has
    <div
      id={`row-${tokenId}`}
      class="token-row"
      role="option"
      tabIndex={-1}
      aria-selected={tokenId === chosenToken.value}
      aria-posinset={place}
      aria-setsize={of}
      onClick={() => {
        choose(tokenId);
        lookAtPanel();
      }}
    >
      <span class={`dot ${status}`} />
      <span>{statusWords[status]}</span>
      <span class="cut">
        <span class="mono">{tokenName(name, tokenId)}</span> <span class="soft">{labelsText(labels)}</span>
      </span>
      <span class="cut">{lease && <bdi>{shortId(lease.userId, 30)}</bdi>}</span>
      <span class="mono end">{left === null ? '' : countdown(left.remainingMs)}</span>
    </div>
  );
}
