/** What is not needed for the first picture: loaded after it, in a place kept for it. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

interface Props {
  load: () => Promise<ComponentType>;
  /** The class of its place until it is there. */
  place: string;
}

export function Later({ load, place }: Props) {
  const [Loaded, setLoaded] = useState<ComponentType | null>(null);
  useEffect(() => {
    // One that cannot be loaded is left out: the page goes without it.
    load().then(
      (loaded) => setLoaded(() => loaded),
      () => {},
    );
  }, []);
  return Loaded ? <Loaded /> : <div class={`later ${place}`} aria-busy="true" />;
}
