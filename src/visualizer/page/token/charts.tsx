/** The state machines behind what is shown: loaded when the tokens are there. */
import { Later } from '../shell/later.tsx';

export const Charts = () => (
  <Later place="charts" load={async () => (await import('./machines.tsx')).Machines} />
);
