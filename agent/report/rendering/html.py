"""A report as HTML, and as a page that needs no network: sections, tables, charts with their figures beneath."""

from collections.abc import Iterator
from html import escape
from importlib.resources import files

from agent.report import blocks
from agent.report.rendering.svg import bar_svg, chart_svg
from catalogs.errors import visible


def html_page(report: blocks.Report, title: str) -> str:
    """Return a report as a page by itself: its style in it, no script, nothing that is fetched."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{_text(title)}</title>\n<style>\n{style_sheet()}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{_text(title)}</h1>\n{html(report)}</main>\n</body>\n</html>\n"
    )


def style_sheet() -> str:
    """Return the style of reports, which pages share."""
    return files("agent.report.rendering").joinpath("report.css").read_text(encoding="utf-8")


def html(report: blocks.Report, derived_at: str = "") -> str:
    """Return the report's blocks as HTML, a section for each heading.

    Args:
        derived_at: the address of a figure's derivation, without the figure's path at its end; empty: none are linked.
    """
    out, open_section = [], False
    for block in report.blocks:
        if isinstance(block, blocks.Heading):
            out.append(f"{'</section>' if open_section else ''}<section>\n<h2>{_text(block.text)}</h2>")
            open_section = True
        else:
            out += _parts(block, derived_at)
    return "\n".join(out) + ("\n</section>\n" if open_section else "\n")


def _text(text: str) -> str:
    return escape(visible(text), quote=True)


def _parts(block: blocks.Block, derived_at: str) -> Iterator[str]:
    match block:
        case blocks.Heading(text):
            yield f"<h2>{_text(text)}</h2>"
        case blocks.Paragraph(text, tone, lead, path):
            said = f'<strong class="{tone}">{_text(lead)}:</strong> {_text(text)}' if lead else _text(text)
            said += f" {_derived('how', path, derived_at)}" if path and derived_at else ""
            yield f"<p>{said}</p>" if lead else f'<p class="{tone}">{said}</p>'
        case blocks.Table():
            yield _table(block, derived_at)
        case blocks.Facts(items):
            pairs = "".join(
                f"<div><dt>{_text(label)}</dt><dd>{_cell(value, derived_at)}</dd></div>" for label, value in items
            )
            yield f"<dl>{pairs}</dl>"
        case blocks.Bar(label, whole, parts):
            keys = "".join(
                f'<li><span class="key part{number}"></span>{_text(name)} '
                f"<b>{_derived(_text(shown), parts[number].path, derived_at)}</b> {share}</li>"
                for number, (name, shown, share) in enumerate(block.rows)
            )
            caption = f"<figcaption>{_text(label)}: {_text(whole)}</figcaption>"
            yield f"<figure>{caption}{bar_svg(block)}<ul>{keys}</ul></figure>"
        case blocks.Bullets(items, lead):
            listed = "".join(f"<li>{_text(one)}</li>" for one in items)
            yield (f"<p>{_text(lead)}</p>" if lead else "") + f"<ul>{listed}</ul>"
        case blocks.Command(text, lead):
            yield (f"<p>{_text(lead)}</p>" if lead else "") + f'<pre tabindex="0"><code>{escape(text)}</code></pre>'
        case blocks.Chart():
            yield _chart(block)
        case blocks.Scatter(title, said=said):
            yield f"<p>{_text(title)}: {_text(said)}</p>"
        case blocks.Group(inner):
            for part in inner:
                yield from _parts(part, derived_at)


def _table(table: blocks.Table, derived_at: str = "") -> str:
    sentences = any(column.wraps for column in table.columns)

    def classes(column: blocks.Column, titled: bool = False) -> str:
        kind = ' class="figure"' if column.align == "right" else ' class="prose"' if column.wraps else ""
        # Where there is no room a row of a table with sentences is a block, each cell behind its title.
        return f'{kind} data-title="{_text(column.title)}"' if titled and sentences and column.title else kind

    head = "".join(f'<th scope="col"{classes(column)}>{_text(column.title)}</th>' for column in table.columns)
    rows = []
    for label, *cells in table.rows:
        body = "".join(
            f"<td{classes(column, titled=True)}>{_cell(cell, derived_at)}</td>"
            for column, cell in zip(table.columns[1:], cells, strict=True)
        )
        rows.append(f'<tr><th scope="row">{_cell(label, derived_at)}</th>{body}</tr>')
    header = f"<thead><tr>{head}</tr></thead>" if any(column.title for column in table.columns) else ""
    kind = ' class="sentences"' if sentences else ""
    return f'<div class="wide" tabindex="0"><table{kind}>{header}<tbody>{"".join(rows)}</tbody></table></div>'


def _cell(cell: blocks.Cell, derived_at: str) -> str:
    if isinstance(cell, str):
        return _text(cell)
    said = _text(cell.text) if cell.tone == "plain" else f'<span class="{cell.tone}">{_text(cell.text)}</span>'
    return _derived(said, cell.path, derived_at)


def _derived(said: str, path: str, derived_at: str) -> str:
    """Return words that lead to the derivation of their figure, where there is one to lead to."""
    return f'<a class="why" href="{_text(derived_at + path)}">{said}</a>' if path and derived_at else said


def _chart(chart: blocks.Chart) -> str:
    caption = f"<figcaption>{_text(chart.title or chart.y_label)}</figcaption>"
    details = f"<details><summary>Its figures</summary>{_table(chart.figures)}</details>"
    return f"<figure>{caption}{chart_svg(chart)}{details}</figure>"
