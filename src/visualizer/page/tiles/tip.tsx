/** What is said of the token that is pointed at. */
import type { ReadonlySignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { statusOf } from '../../../lease/lease.ts';
import { countdown, dateAndTime, labelsText, shortId, tokenName } from '../format.ts';
import { timeLeft } from '../store/arrangement.ts';
import { evictedNext, options } from '../store/drawn.ts';
import { serviceNow } from '../store/store.ts';
import { statusWords } from '../store/words.ts';
import type { Token } from '../wire.ts';
import type { Box } from './grid.ts';

export interface TipAt {
  token: Token;
  box: Box;
  /** How wide the room is. */
  room: number;
}

export function Tip({ at }: { at: ReadonlySignal<TipAt | null> }) {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (at.value === null || element.current === null) return;
    const { box, room } = at.value;
    const { style, offsetWidth } = element.current;
    style.left = `${Math.max(0, Math.min(room - offsetWidth, box.x + box.width / 2 - offsetWidth / 2))}px`;
    style.top = `${box.y + box.height + 8}px`;
  });
  if (at.value === null) return null;
  const { token } = at.value;
  const left = timeLeft(token, options.value, serviceNow());
  const place = evictedNext.value.indexOf(token.tokenId) + 1;
  return (
    <div ref={element} class="tip" aria-hidden="true">
      <strong>{tokenName(token.name, token.tokenId)}</strong> {statusWords[statusOf(token)].toLowerCase()}
      {token.lease && (
        <div>
          held by <bdi>{shortId(token.lease.userId, 40)}</bdi>
        </div>
      )}
      {token.lease && <div>since {dateAndTime(token.lease.activatedAt)}</div>}
      {Object.keys(token.labels).length > 0 && <div>{labelsText(token.labels)}</div>}
      {left !== null && <div>{countdown(left.remainingMs)} left</div>}
      {place > 0 && <div>{place === 1 ? 'evicted next' : `number ${place} to be evicted`}</div>}
      {token.withdrawn?.note && <div>{token.withdrawn.note}</div>}
    </div>
  );
}
