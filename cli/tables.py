"""Tables that lose no digit on a narrow terminal: what does not fit side by side comes below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

Cell = str | Text

_GAP = 2  # columns between two columns of a table
_NAME_WIDTH = 12  # of a folded name, at least
_NOTHING = ("", "–")


def rows_table(
    head: Sequence[str], rows: Sequence[Sequence[Cell]], width: int, *, titles: int = 1, left: int = 1
) -> RenderableType:
    """Return a table of one row per thing; where it is wider than the terminal, one block per thing.

    The first line of a block is the thing's name. Its figures follow, each after its heading, as many to a line as fit.

    Args:
        head: the headings of the columns.
        rows: the cells of every row, one line each.
        width: the width of the terminal in columns.
        titles: the number of first columns that name the thing.
        left: the number of first columns that are aligned to the left, the others to the right.
    """
    lines = [[_text(cell) for cell in row] for row in rows]
    widths = [max([cell_len(name), *(row[index].cell_len for row in lines)]) for index, name in enumerate(head)]
    if sum(widths) + _GAP * (len(head) - 1) > width:
        return Group(*_blocks(head, lines, widths, width, titles))
    table = _table()
    for index, name in enumerate(head):
        table.add_column(Text(name), justify="left" if index < left else "right", no_wrap=True)
    for row in lines:
        table.add_row(*row)
    return table


def column_tables(
    names: Sequence[str], rows: Sequence[tuple[Cell, Sequence[Cell]]], width: int, *, fold_names: bool = False
) -> Iterator[RenderableType]:
    """Yield tables of one column per thing and one row per figure; things that do not fit come in a further table.

    Args:
        names: the names of the things, which are folded where they are wider than the terminal.
        rows: the label of every row, and one cell per thing, of one line or several.
        width: the width of the terminal in columns.
        fold_names: whether names are folded to the width of the figures, but no narrower than 12 columns.
    """
    cells = [[_text(row[index]) for _, row in rows] for index in range(len(names))]
    narrowest = [max(map(_block_width, column), default=0) for column in cells]
    labels = [_text(label) for label, _ in rows]
    # Long labels are folded at words before figures would be.
    label_width = min(max(map(_block_width, labels)), max(width - _GAP - max(narrowest, default=0), width // 3))
    columns = [
        max(cell, min(cell_len(name), _NAME_WIDTH) if fold_names else cell_len(name))
        for cell, name in zip(narrowest, names, strict=True)
    ]
    shown: list[int] = []
    for index in range(len(names)):
        if shown and label_width + sum(_GAP + columns[other] for other in [*shown, index]) > width:
            yield _columns(names, labels, cells, shown, label_width)
            shown = []
        shown.append(index)
    if shown:
        yield _columns(names, labels, cells, shown, label_width)


def facts(values: Mapping[str, Cell], width: int) -> RenderableType:
    """Return names with their values beside them; below them where the names take more than half of the width."""
    names = {name: _text(value) for name, value in values.items()}
    longest = max(map(cell_len, names), default=0)
    if longest > width // 2:
        lines: list[RenderableType] = []
        for name, value in names.items():
            lines += [Text(name, "dim", overflow="fold"), Padding(value, (0, 0, 0, 2))]
        return Group(*lines)
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in names.items():
        table.add_row(Text(name), value)
    return table


def _blocks(
    head: Sequence[str], rows: Sequence[Sequence[Text]], widths: Sequence[int], width: int, titles: int
) -> Iterator[Text]:
    """Yield the lines of all blocks. A figure stands at the same place in every block."""
    slots = [cell_len(name) + 1 + value for name, value in zip(head, widths, strict=True)]
    places: list[list[int]] = []
    for index in range(titles, len(head)):
        taken = sum(slots[other] + _GAP for other in places[-1]) if places else width
        if taken + slots[index] > width - _GAP:
            places.append([])
        places[-1].append(index)
    for row in rows:
        yield Text(" ").join(cell for cell in row[:titles] if cell.plain).copy()
        for line in places:
            shown = [index for index in line if row[index].plain not in _NOTHING]
            if shown:
                yield from _block_line(head, row, widths, line, width)


def _block_line(
    head: Sequence[str], row: Sequence[Text], widths: Sequence[int], line: Sequence[int], width: int
) -> Iterator[Text]:
    if len(line) == 1 and _GAP + cell_len(head[line[0]]) + 1 + row[line[0]].cell_len > width:
        yield Text(" " * _GAP).append(head[line[0]], "dim")
        value = row[line[0]].copy()
        value.overflow = "fold"
        yield Text(" " * _GAP).append_text(value)
        return
    text = Text()
    for index in line:
        empty = row[index].plain in _NOTHING
        text.append(" " * _GAP).append(head[index] if not empty else " " * cell_len(head[index]), "dim")
        value = Text() if empty else row[index]
        text.append(" " * (1 + widths[index] - value.cell_len)).append_text(value)
    text.rstrip()
    yield text


def _columns(
    names: Sequence[str],
    labels: Sequence[Text],
    cells: Sequence[Sequence[Text]],
    shown: Sequence[int],
    label_width: int,
) -> Table:
    table = _table()
    table.add_column("", width=label_width, overflow="fold")
    for index in shown:
        # A name may be folded, a figure may not.
        table.add_column(
            Text(names[index]), justify="right", overflow="fold", min_width=max(map(_block_width, cells[index]))
        )
    for row, label in enumerate(labels):
        table.add_row(label, *(cells[index][row] for index in shown))
    return table


def _table() -> Table:
    return Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="dim")


def _text(cell: Cell) -> Text:
    return cell if isinstance(cell, Text) else Text(cell)


def _block_width(text: Text) -> int:
    return max((cell_len(line) for line in text.plain.split("\n")), default=0)
