/** The file of pools (`POOLS_FILE`), YAML or JSON: read and checked whole, and every mistake said with its line. */
import { readFileSync } from 'node:fs';
import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { contradictions, type PoolOptions } from '../lease/pool-options.ts';
import { completed, optionsIn, optionsPart, poolName, written } from './options-schema.ts';

const PoolsFile = z.strictObject({
  $schema: z.string().optional().meta({ description: 'Where editors find what may stand here' }),
  pools: z.record(poolName, optionsPart).meta({ description: 'The options of each pool, by its name' }),
});

/** For editors: what may stand in the file. */
export const poolsFileSchema = (): object => ({
  ...z.toJSONSchema(PoolsFile, { io: 'input' }),
  title: 'Pools of Leasehold',
});

export interface Declared {
  name: string;
  options: PoolOptions;
}

type Path = readonly (string | number)[];

/** Throws with a line for each mistake: where it is, and what. */
export function readPoolsFile(
  file: string,
  standard: Pick<PoolOptions, 'size' | 'ttlMs' | 'ttlMsMax'>,
): Declared[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`POOLS_FILE: cannot read ${file}: ${(error as Error).message}`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const mistakes: string[] = [];
  const say = (offset: number, message: string) => {
    const { line, col } = lines.linePos(offset);
    mistakes.push(`${file}:${line}:${col}: ${message}`);
  };
  for (const { pos, message } of document.errors)
    say(pos[0], message.split('\n')[0]!.replace(/ at line .*$/, ''));
  const declared = mistakes.length > 0 ? [] : check(document, standard, say);
  if (mistakes.length > 0)
    throw new Error(`the file of pools is not valid (POOLS_FILE)\n  ${mistakes.join('\n  ')}`);
  return declared;
}

function check(
  document: Document,
  standard: Pick<PoolOptions, 'size' | 'ttlMs' | 'ttlMsMax'>,
  say: (offset: number, message: string) => void,
): Declared[] {
  const result = PoolsFile.safeParse(document.toJS());
  if (!result.success) {
    for (const issue of result.error.issues) {
      const unknown = issue.code === 'unrecognized_keys' ? issue.keys : [null];
      for (const key of unknown) {
        const path = [...issue.path, ...(key === null ? [] : [key])] as Path;
        say(
          offsetOf(document, path),
          `${path.join('.') || 'the file'}: ${key === null ? messageOf(issue) : 'is not known'}`,
        );
      }
    }
    return [];
  }
  return Object.entries(result.data.pools).map(([name, chosen]) => {
    const options = completed(optionsIn(chosen), standard);
    for (const { option, message } of contradictions(options)) {
      const path = ['pools', name, written(option)];
      say(offsetOf(document, path), `${path.join('.')}: ${message}`);
    }
    return { name, options };
  });
}

/** Where it stands, or what it would stand in. */
function offsetOf(document: Document, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

/** Of a name that is none, what is wrong with it. */
const messageOf = (issue: z.core.$ZodIssue): string =>
  (issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined) ?? issue.message;
