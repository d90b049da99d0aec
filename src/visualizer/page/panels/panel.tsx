/** The frame of a panel: a titled part of the page. */
import type { ComponentChildren } from 'preact';

/**
 * What may be larger than its place, and scrolls in it. So it has to be reached by the keyboard, whatever is in it.
 */
export const Scrolls = ({
  of,
  name,
  children,
}: {
  of: string;
  name: string;
  children: ComponentChildren;
}) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: nobody without a pointer could scroll it
  <section class={`scrolls ${of}`} aria-label={name} tabIndex={0}>
    {children}
  </section>
);

interface Props {
  /** Names it among the others, and its class. */
  name: string;
  title: string;
  /** What can be done with it, beside its title. */
  actions?: ComponentChildren;
  children: ComponentChildren;
}

export function Panel({ name, title, actions, children }: Props) {
  return (
    <section class={`panel panel-${name}`} aria-labelledby={`panel-${name}`}>
      <header class="panel-head">
        <h2 id={`panel-${name}`}>{title}</h2>
        {actions}
      </header>
      {children}
    </section>
  );
}
