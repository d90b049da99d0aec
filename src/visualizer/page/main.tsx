/** Where the page begins: the pool is asked for first, then the page is drawn. */
import { render } from 'preact';
import { App } from './app.tsx';
import { leaveLines } from './store/allocate.ts';
import { follow } from './store/feed.ts';
import { keepTime } from './store/simulated.ts';
import { choosePool, keepAddress, lookAround, poolName, restUnseen } from './store/store.ts';
import { everySeen } from './store/ticking.ts';
import { followChosen } from './store/token-facts.ts';
import { keepToPool } from './store/travel.ts';

const lookAroundMs = 3000;

choosePool(poolName.value);
keepToPool();
everySeen(lookAroundMs, () => void lookAround());
followChosen();
follow();
keepTime();
restUnseen();
keepAddress();
leaveLines();

render(<App />, document.getElementById('page')!);
