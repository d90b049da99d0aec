/** Who waits for a token, in the order of being served. */
import { countdown, counted, elapsed, labelsText, shortId } from '../format.ts';
import { Scrolls } from './panel.tsx';
import type { Queue } from './shapes.ts';

/** More are counted, but not listed. */
const most = 30;

export function WaitingLine({ queue, nowMs }: { queue: Queue | null; nowMs: number }) {
  return (
    <section aria-labelledby="pool-line">
      <h3 id="pool-line">
        Waiting line{' '}
        {queue !== null && queue.total > 0 && <span class="panel-count">{counted(queue.total, 'user')}</span>}
      </h3>
      {queue === null && <p class="panel-none">Who waited is not in the log.</p>}
      {queue?.total === 0 && <p class="panel-none">Nobody waits.</p>}
      {queue !== null && queue.waiting.length > 0 && <Waiting queue={queue} nowMs={nowMs} />}
    </section>
  );
}

function Waiting({ queue: { waiting, total }, nowMs }: { queue: Queue; nowMs: number }) {
  const listed = waiting.slice(0, most);
  const hasLabels = listed.some(({ labels }) => Object.keys(labels).length > 0);
  return (
    <>
      <Scrolls of="waiting-frame" name="Who waits">
        <table class="waiting">
          <thead>
            <tr>
              <th scope="col">
                <span class="for-readers">Position</span>#
              </th>
              <th scope="col">User</th>
              <th scope="col">Priority</th>
              <th scope="col">Waits</th>
              <th scope="col">Gives up in</th>
              {hasLabels && <th scope="col">Wants</th>}
            </tr>
          </thead>
          <tbody>
            {listed.map(({ position, user_id, priority, since, until, labels }) => (
              <tr key={position}>
                <td>{position}</td>
                <th scope="row" title={user_id}>
                  {shortId(user_id, 20)}
                </th>
                <td class={priority === 0 ? 'plain' : undefined}>{priority}</td>
                <td>{elapsed(nowMs - Date.parse(since))}</td>
                <td>{countdown(Date.parse(until) - nowMs)}</td>
                {hasLabels && <td>{labelsText(labels)}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolls>
      {total > listed.length && <p class="panel-none">and {counted(total - listed.length, 'more user')}</p>}
    </>
  );
}
