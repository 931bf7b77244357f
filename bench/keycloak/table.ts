/** The rows of a check: what was asked for, what was expected, what came. */

interface Row {
  readonly what: string;
  readonly expected: string;
  readonly got: string;
}

const COLUMNS = ['what', 'expected', 'got'] as const;

/** Collects rows, says each as it comes, and prints all as a table in the end. */
export class Table {
  readonly #rows: Row[] = [];

  note(what: string, expected: string, got: string): void {
    this.#rows.push({ what, expected, got });
    console.log(`${expected === got ? 'ok    ' : 'WRONG '} ${what}: ${got}`);
  }

  /** @returns whether all is as expected */
  print(): boolean {
    const widths = COLUMNS.map((name) => Math.max(name.length, ...this.#rows.map((row) => row[name].length)));
    const line = (cells: readonly string[], mark: string): string =>
      `| ${cells.map((cell, place) => cell.padEnd(widths[place] ?? 0)).join(' | ')} | ${mark} |`;
    console.log(`\n${line(COLUMNS, '  ')}`);
    console.log(
      line(
        widths.map((width) => '-'.repeat(width)),
        '--',
      ),
    );
    for (const row of this.#rows) {
      console.log(
        line(
          COLUMNS.map((name) => row[name]),
          row.expected === row.got ? 'ok' : '!!',
        ),
      );
    }
    const wrong = this.#rows.filter(({ expected, got }) => expected !== got).length;
    console.log(`\n${this.#rows.length - wrong} as expected, ${wrong} not`);
    return wrong === 0 && this.#rows.length > 0;
  }
}
