/** A button that copies a text, and says so for a moment. */
import { useSignal } from '@preact/signals';

interface Props {
  text: () => string;
  label: string;
  /** What it is called, where its label does not say it. */
  name?: string;
  class?: string;
}

export function Copy({ text, label, name, class: kind }: Props) {
  const said = useSignal<string | null>(null);
  const copy = async () => {
    said.value = (await isCopied(text())) ? 'Copied' : 'Not allowed';
    setTimeout(() => {
      said.value = null;
    }, 1500);
  };
  return (
    <button type="button" class={kind} aria-label={name} onClick={() => void copy()}>
      {said.value ?? label}
    </button>
  );
}

/** Without TLS a browser has a clipboard for pages of its own machine alone, and others take the old way. */
async function isCopied(text: string): Promise<boolean> {
  if (navigator.clipboard)
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
  const field = document.createElement('textarea');
  field.value = text;
  document.body.append(field);
  field.select();
  const isDone = document.execCommand('copy');
  field.remove();
  return isDone;
}
