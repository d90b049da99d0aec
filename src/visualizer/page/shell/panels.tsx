/** What is told of the pool beside its tokens: loaded when the tokens are there. */
import { Later } from './later.tsx';

export const Panels = () => (
  <Later place="panels" load={async () => (await import('./pool-story.tsx')).PoolStory} />
);
