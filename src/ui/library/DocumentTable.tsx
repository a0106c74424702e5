/** One table of all documents: name, type, passages, added. Sorts by any of them; long lists draw only what is in sight. */
import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual';
import type { Range } from '@tanstack/react-virtual';
import { ArrowDown, ArrowUp, Trash2 } from 'lucide-react';
import { Fragment, useCallback, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { FocusEvent } from 'react';
import type { DocumentRecord } from '../../index.ts';
import { day, number } from '../format.ts';
import { languageOf } from '../parts/script.ts';
import { useViewer } from '../viewer/viewer-context.tsx';
import { kindName, words } from '../words.ts';
import { lastAdded, sortDocuments } from './sort.ts';
import type { Column, Order } from './sort.ts';

/** Above this many rows only those in sight are drawn: two hundred take the page's thread some 70 ms. */
const drawnWhole = 100;
const rowHeight = 48;

export interface DocumentTableProps {
  readonly documents: readonly DocumentRecord[];
  readonly selected: ReadonlySet<string>;
  readonly onSelect: (selected: ReadonlySet<string>) => void;
  readonly onDelete: (documentId: string) => void;
}

const columns: readonly Column[] = ['name', 'type', 'passages', 'added'];

export function DocumentTable({ documents, selected, onSelect, onDelete }: DocumentTableProps) {
  const [order, setOrder] = useState(lastAdded);
  const sorted = useMemo(() => sortDocuments(documents, order), [documents, order]);
  const all = sorted.every((record) => selected.has(record.id));
  const toggle = (id: string): void => {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    onSelect(next);
  };
  const body = { rows: sorted, selected, onToggle: toggle, onDelete };
  return (
    <table className="library" aria-rowcount={sorted.length + 1}>
      <thead>
        <tr aria-rowindex={1}>
          <th scope="col" className="library__check">
            <label className="check">
              <input
                type="checkbox"
                aria-label={words.selectAll}
                checked={all}
                onChange={() => onSelect(all ? new Set() : new Set(sorted.map((record) => record.id)))}
              />
            </label>
          </th>
          {columns.map((column) => (
            <ColumnHead key={column} column={column} order={order} onOrder={setOrder} />
          ))}
          <th scope="col" className="library__delete">
            <span className="sr-only">{words.columns.actions}</span>
          </th>
        </tr>
      </thead>
      {sorted.length > drawnWhole ? <LongBody {...body} /> : <ShortBody {...body} />}
    </table>
  );
}

interface ColumnHeadProps {
  readonly column: Column;
  readonly order: Order;
  readonly onOrder: (order: Order) => void;
}

function ColumnHead({ column, order, onOrder }: ColumnHeadProps) {
  const current = order.by === column;
  const Arrow = order.up ? ArrowUp : ArrowDown;
  return (
    <th
      scope="col"
      className={`library__${column}`}
      aria-sort={current ? (order.up ? 'ascending' : 'descending') : undefined}
    >
      <button
        type="button"
        className="library__sort"
        title={words.sortBy(words.columns[column])}
        onClick={() => onOrder({ by: column, up: current ? !order.up : column === 'name' || column === 'type' })}
      >
        {words.columns[column]}
        {current ? <Arrow className="icon" aria-hidden /> : null}
      </button>
    </th>
  );
}

interface BodyProps {
  readonly rows: readonly DocumentRecord[];
  readonly selected: ReadonlySet<string>;
  readonly onToggle: (id: string) => void;
  readonly onDelete: (id: string) => void;
}

function ShortBody({ rows, ...rest }: BodyProps) {
  return (
    <tbody>
      {rows.map((record, index) => (
        <Row key={record.id} record={record} index={index} {...rest} />
      ))}
    </tbody>
  );
}

/** The rows in sight and the one in focus, between empty ones that stand for the rest. */
function LongBody({ rows, ...rest }: BodyProps) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [start, setStart] = useState(0);
  const [focused, setFocused] = useState<number | null>(null);
  const rangeExtractor = useCallback(
    (range: Range) => {
      const drawn = defaultRangeExtractor(range);
      if (focused === null || focused >= range.count || drawn.includes(focused)) return drawn;
      return [...drawn, focused].toSorted((a, b) => a - b);
    },
    [focused],
  );
  // eslint-disable-next-line react-hooks/incompatible-library -- nothing here is memoised by the compiler
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => body.current?.closest<HTMLElement>('.pane') ?? null,
    estimateSize: () => rowHeight,
    getItemKey: (index) => rows[index]!.id,
    scrollMargin: start,
    overscan: 8,
    rangeExtractor,
  });
  useLayoutEffect(() => {
    const pane = body.current?.closest<HTMLElement>('.pane');
    if (!pane || !body.current) return;
    setStart(body.current.getBoundingClientRect().top - pane.getBoundingClientRect().top + pane.scrollTop);
  }, [rows.length]);
  const items = virtualizer.getVirtualItems();
  const end = virtualizer.getTotalSize() + start;
  const rowOf = (event: FocusEvent): number | null => {
    const at = event.target.closest<HTMLElement>('[data-index]')?.dataset.index;
    return at === undefined ? null : Number(at);
  };
  return (
    <tbody ref={body} onFocus={(event) => setFocused(rowOf(event))} onBlur={() => setFocused(null)}>
      {items.map(({ index, key, start: top }, i) => (
        <Fragment key={key}>
          <Gap height={top - (items[i - 1]?.end ?? start)} />
          <Row record={rows[index]!} index={index} measure={virtualizer.measureElement} {...rest} />
        </Fragment>
      ))}
      <Gap height={end - (items.at(-1)?.end ?? start)} />
    </tbody>
  );
}

function Gap({ height }: { readonly height: number }) {
  return height <= 0 ? null : (
    <tr aria-hidden className="library__gap">
      <td colSpan={6} style={{ blockSize: `${height}px` }} />
    </tr>
  );
}

interface RowProps {
  readonly record: DocumentRecord;
  readonly index: number;
  readonly selected: ReadonlySet<string>;
  readonly onToggle: (id: string) => void;
  readonly onDelete: (id: string) => void;
  readonly measure?: (element: HTMLTableRowElement | null) => void;
}

function Row({ record, index, selected, onToggle, onDelete, measure }: RowProps) {
  const { open, opened } = useViewer();
  const chosen = selected.has(record.id);
  return (
    <tr
      ref={measure}
      data-index={index}
      aria-rowindex={index + 2}
      data-selected={chosen ? '' : undefined}
      data-open={opened?.documentId === record.id ? '' : undefined}
    >
      <td className="library__check">
        <label className="check">
          <input
            type="checkbox"
            aria-label={words.selectDocument(record.name)}
            checked={chosen}
            onChange={() => onToggle(record.id)}
          />
        </label>
      </td>
      <th scope="row" className="library__name">
        <button
          type="button"
          className="library__open"
          dir="auto"
          lang={languageOf(record.language, record.name)}
          title={record.path === '' ? record.name : `${record.path}/${record.name}`}
          onClick={() => open({ documentId: record.id, chunk: null })}
        >
          {record.name}
        </button>
        {record.path === '' ? null : (
          <span className="library__path">
            <bdi>{record.path}</bdi>
          </span>
        )}
        {record.notes.map((note) => (
          <span key={note} className="library__note">
            {note}
          </span>
        ))}
      </th>
      <td className="library__type">{kindName(record.mediaType)}</td>
      <td className="library__passages">{number(record.chunkCount)}</td>
      <td className="library__added">{day(record.addedAt)}</td>
      <td className="library__delete">
        <button
          type="button"
          className="icon-button"
          aria-label={words.deleteNamed(record.name)}
          onClick={() => onDelete(record.id)}
        >
          <Trash2 className="icon" aria-hidden />
        </button>
      </td>
    </tr>
  );
}
