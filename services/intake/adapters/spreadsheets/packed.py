"""A sheet as JSON, on its way from the process that read it. Not pickle: what a hostile file made must not be run."""

from datetime import date, datetime
from typing import Any

from services.intake.domain.uploads.sheets import Sheet, SheetRow, Unusable, Value


def packed(sheet: Sheet) -> dict[str, Any]:
    """The sheet as JSON."""
    return {
        "format": sheet.format,
        "rows": [[row.number, [[index, _packed(value)] for index, value in row.cells.items()]] for row in sheet.rows],
        "encoding": sheet.encoding,
        "name": sheet.name,
        "passed_over": sheet.passed_over,
        "hidden_rows": sheet.hidden_rows,
        "hidden_columns": sheet.hidden_columns,
    }


def unpacked(sheet: dict[str, Any]) -> Sheet:
    """The sheet of `packed`."""
    rows = [SheetRow(number, {index: _unpacked(value) for index, value in cells}) for number, cells in sheet["rows"]]
    return Sheet(
        format=sheet["format"],
        rows=rows,
        encoding=sheet["encoding"],
        name=sheet["name"],
        passed_over=tuple(sheet["passed_over"]),
        hidden_rows=tuple(sheet["hidden_rows"]),
        hidden_columns=tuple(sheet["hidden_columns"]),
    )


def _packed(value: Value) -> Any:
    match value:
        case Unusable():
            return {"unusable": [value.shown, value.code, value.detail, value.fix]}
        case datetime():
            return {"time": value.isoformat()}
        case date():
            return {"day": value.isoformat()}
        case _:
            return value


def _unpacked(value: Any) -> Value:
    match value:
        case {"unusable": [shown, code, detail, fix]}:
            return Unusable(shown, code, detail, fix)
        case {"time": written}:
            return datetime.fromisoformat(written)
        case {"day": written}:
            return date.fromisoformat(written)
        case _:
            known: Value = value
            return known
