/** Every token of the pool as a tile: to be seen at once, pointed at, and gone through by keys. */
import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { lookAtPanel } from '../shell/into-view.ts';
import { drawn, evictedNext } from '../store/drawn.ts';
import { choose, chosenToken, serviceNow } from '../store/store.ts';
import { tick } from '../store/ticking.ts';
import { tokenInWords } from '../store/words.ts';
import type { Token } from '../wire.ts';
import { TilesCanvas } from './canvas.ts';
import { indexBy } from './grid.ts';
import { Tip, type TipAt } from './tip.tsx';

const indexOf = (tokenId: string | null): number =>
  drawn.peek().findIndex((token) => token.tokenId === tokenId);

const sentence = (token: Token): string =>
  tokenInWords(token, serviceNow(), evictedNext.peek().indexOf(token.tokenId) + 1);

/** Another for another token: who does not see is told of the active one when that changes. */
const idOf = (tokenId: string | null): string => `tile-${tokenId ?? 'none'}`;

export function Tiles() {
  const room = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const spacer = useRef<HTMLDivElement>(null);
  const tiles = useRef<TilesCanvas | null>(null);
  const tip = useSignal<TipAt | null>(null);

  useEffect(() => {
    tiles.current = new TilesCanvas(room.current!, canvas.current!, spacer.current!);
    return () => tiles.current?.end();
  }, []);
  useSignalEffect(() => {
    const index = indexOf(chosenToken.value);
    if (index >= 0) tiles.current?.bringIntoView(index);
  });

  const point = (event: PointerEvent) => {
    const { left, top } = room.current!.getBoundingClientRect();
    const index = tiles.current!.indexAt(event.clientX - left, event.clientY - top);
    const token = index === null ? undefined : drawn.peek()[index];
    tiles.current!.hover(token?.tokenId ?? null);
    tip.value =
      token && event.pointerType === 'mouse'
        ? { token, box: tiles.current!.boxOf(index!), room: room.current!.clientWidth }
        : null;
    return token;
  };
  const click = (event: MouseEvent) => {
    const token = point(event as unknown as PointerEvent);
    choose(token?.tokenId ?? null);
    if (token) lookAtPanel();
  };
  const leave = () => {
    tiles.current!.hover(null);
    tip.value = null;
  };
  const press = (event: KeyboardEvent) => {
    const index = indexOf(chosenToken.peek());
    const to = indexBy(tiles.current!.grid, index, event.key);
    if (event.key === 'Escape') choose(null);
    if (to === null) return;
    event.preventDefault();
    tip.value = null;
    choose(drawn.peek()[index < 0 ? 0 : to]?.tokenId ?? null);
  };

  return (
    <div class="tiles">
      <div
        ref={room}
        class="tiles-room"
        role="listbox"
        tabIndex={0}
        aria-label="Tokens"
        aria-activedescendant={idOf(chosenToken.value)}
        onPointerMove={point}
        onPointerLeave={leave}
        onClick={click}
        onKeyDown={press}
      >
        <div class="tiles-pane" aria-hidden="true">
          <canvas ref={canvas} />
        </div>
        <div ref={spacer} aria-hidden="true" />
        <Chosen />
      </div>
      <Tip at={tip} />
    </div>
  );
}

/** The one tile that is there for who does not see: the chosen one. The others are a key away. */
function Chosen() {
  // It says how much time is left.
  tick.value;
  const chosen = useComputed(() => {
    const index = drawn.value.findIndex(({ tokenId }) => tokenId === chosenToken.value);
    return index < 0 ? null : { token: drawn.value[index]!, index };
  });
  const { token, index } = chosen.value ?? {};
  return (
    <div
      id={idOf(chosenToken.value)}
      class="unseen"
      role="option"
      tabIndex={-1}
      aria-selected={token !== undefined}
      aria-posinset={token ? index! + 1 : undefined}
      aria-setsize={token ? drawn.value.length : undefined}
    >
      {token ? sentence(token) : `${drawn.value.length} tokens; arrow keys choose one`}
    </div>
  );
}
