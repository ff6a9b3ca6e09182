import { clean } from './format.js';

/** A column's title; one that begins with `>` puts its column to the right. */
export type Column = string;

/** No printed line is longer than this. */
const LINE_WIDTH = 110;
const MOST_INDENT = 60;

/**
 * Prints rows below each other, with columns as wide as their widest cell; what does not fit into {@link LINE_WIDTH}
 * goes on below the start of the last column.
 *
 * @param columns - the titles; without any text in them there is no line of titles
 */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], indent = '  '): string {
  const titles = columns.map((column) => column.replace(/^>/, ''));
  const cells = rows.map((row) => row.map(clean));
  const lines = titles.some((title) => title !== '') ? [titles, ...cells] : cells;
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) => printed(line, columns, widths, indent)).join('');
}

function printed(
  line: readonly string[],
  columns: readonly Column[],
  widths: readonly number[],
  indent: string,
): string {
  const padded = line.slice(0, -1).map((cell, column) => {
    const width = widths[column] as number;
    return `${columns[column]?.startsWith('>') ? cell.padStart(width) : cell.padEnd(width)}  `;
  });
  const start = indent + padded.join('');
  const last = line.length - 1;
  const cell = line[last] ?? '';
  const text = columns[last]?.startsWith('>') ? cell.padStart(widths[last] as number) : cell;
  return `${wrap(start + text, start.length)}\n`;
}

/**
 * Breaks a text at spaces into lines of {@link LINE_WIDTH}; all but the first begin with `hanging` spaces, or as many as
 * leave room for text.
 */
export function wrap(text: string, hanging: number): string {
  const lines: string[] = [];
  const indent = Math.min(hanging, MOST_INDENT);
  let rest = text.trimEnd();
  while (rest.length > LINE_WIDTH) {
    const space = rest.lastIndexOf(' ', LINE_WIDTH);
    const at = space > indent ? space : LINE_WIDTH;
    lines.push(rest.slice(0, at).trimEnd());
    rest = ' '.repeat(indent) + rest.slice(at).trimStart();
  }
  return [...lines, rest].join('\n');
}

/** A title over what follows. */
export function heading(title: string): string {
  return `\n${title} ${'─'.repeat(Math.max(LINE_WIDTH - title.length - 1, 3))}\n`;
}
