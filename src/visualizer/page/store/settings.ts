/** How somebody likes the page: kept in their browser, and said to the style sheet. */
import { effect, signal } from '@preact/signals';

export const themes = ['system', 'light', 'dark'] as const;
export const motions = ['system', 'on', 'off'] as const;
export type Theme = (typeof themes)[number];
export type Motion = (typeof motions)[number];

export const theme = signal<Theme>(kept('theme', themes));
export const motion = signal<Motion>(kept('motion', motions));

const wantsLess = matchMedia('(prefers-reduced-motion: reduce)');
const wantsDark = matchMedia('(prefers-color-scheme: dark)');
/** Rises when the system changes its mind. */
const systemChanges = signal(0);
for (const wish of [wantsLess, wantsDark]) wish.addEventListener('change', () => systemChanges.value++);

/** Whether things move. */
export const moves = (): boolean => {
  systemChanges.value;
  return motion.value === 'on' || (motion.value === 'system' && !wantsLess.matches);
};

/** Whatever colours depend on: to be read by what resolves them itself. */
export const shade = (): string => {
  systemChanges.value;
  return theme.value === 'system' ? (wantsDark.matches ? 'dark' : 'light') : theme.value;
};

effect(() => apply('theme', theme.value));
effect(() => apply('motion', motion.value));

function apply(name: 'theme' | 'motion', value: string): void {
  const { dataset } = document.documentElement;
  if (value === 'system') delete dataset[name];
  else dataset[name] = value;
  try {
    localStorage.setItem(`leasehold.${name}`, value);
  } catch {
    // A browser that keeps nothing shows the page as its system likes it.
  }
}

function kept<T extends string>(name: string, values: readonly T[]): T {
  try {
    const value = localStorage.getItem(`leasehold.${name}`) as T;
    return values.includes(value) ? value : values[0]!;
  } catch {
    return values[0]!;
  }
}
