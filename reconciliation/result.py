"""The answer about one file as data: what is printed for programs, kept beside a batch, and shown on pages."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from reconciliation.amounts import EXACT, plain
from reconciliation.assessment import Assessed
from reconciliation.comparing import Compared
from reconciliation.lines import Line, Value
from reconciliation.reading import Reading, Rejected
from reconciliation.reading.survey import Ignored

Result = dict[str, Any]


@dataclass(slots=True)
class Listed:
    """Lines that are listed one by one: invalid ones and copies."""

    invalid: list[dict[str, Any]] = field(default_factory=list)
    copies: list[dict[str, Any]] = field(default_factory=list)

    def add(self, line: Line) -> None:
        """Take in a line of the file's kind that may have to be listed."""
        if line.duplicate_of is not None:
            self.copies.append({"record": line.record, "of": line.duplicate_of})
        elif line.codes:
            self.invalid.append({"record": line.record, "line": line.line, "codes": list(line.codes)})


def rejected(file: str, refusal: Rejected, locale: str) -> Result:
    """Return the answer about a file that is not taken."""
    result: Result = {"file": file, "status": "rejected", "error_codes": [refusal.code], "warning_codes": []}
    result["message"] = refusal.message(locale)
    facts = refusal.facts
    match refusal.code:
        case "missing_columns":
            result |= {"missing": facts["columns"], "closest_kind": facts["kind"]}
        case "duplicate_columns":
            result |= {"duplicate_columns": facts["columns"], "closest_kind": facts["kind"]}
        case "mixed_decimal":
            result["evidence"] = {"dot": [facts["dot"]], "comma": [facts["comma"]]}
        case "truncated":
            result["last_complete_record"] = facts["last"]
        case _:
            pass
    return result


def accepted(
    file: str,
    reading: Reading,
    assessed: Assessed,
    listed: Listed | None,
    *,
    compared: Compared | None = None,
    cross_check: Mapping[str, Any] | None = None,
) -> Result:
    """Return the answer about a file that was read to its end; without `listed` only what does not grow with it."""
    warnings = sorted(reading.warnings | assessed.warnings)
    result: Result = {
        "file": file,
        "status": "accepted_with_warnings" if warnings else "accepted",
        "error_codes": [],
        "warning_codes": warnings,
        "detected": asdict(reading.detected),
        "container": reading.container,
        "archive_member": reading.member,
        "records": asdict(reading.records),
        "ignored_records": _ignored(reading, assessed.printable),
        "unknown_columns": reading.unknown_columns,
        "blocks": [{"kind": kind, "records": records} for kind, records in reading.blocks],
        "line_flag_counts": assessed.line_flag_counts,
        "totals": assessed.totals,
        "by_reseller": assessed.by_reseller,
        "notes": assessed.notes,
    }
    if assessed.payout is not None:
        result["payout"] = assessed.payout
    if assessed.batch is not None:
        result["batch"] = assessed.batch
    if compared is not None:
        result["outcome_counts"] = compared.outcome_counts
    if cross_check is not None:
        result["cross_check"] = cross_check
    if listed is not None:
        result |= {
            "invalid_records": listed.invalid,
            "duplicate_records": listed.copies,
            "line_flags": assessed.line_flags,
        }
        if compared is not None:
            result["outcomes"] = compared.outcomes
    return result


def line_entry(line: Line) -> dict[str, Any]:
    """Return a line as it is listed when it is asked for."""
    values = {name: _plain_value(value) for name, value in line.values.items()}
    return {"record": line.record, "line": line.line, "kind": line.kind, "values": values}


def _plain_value(value: Value) -> str | None:
    if isinstance(value, Decimal):
        return plain(value)
    return value.isoformat() if isinstance(value, date) else value


def _ignored(reading: Reading, sums: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    if reading.blank_rows:
        entries.append({"reason": "blank", "count": reading.blank_rows})
    for row in reading.ignored:
        entry: dict[str, Any] = {"reason": row.reason, "line": row.line}
        if row.total is not None:
            entry |= {"total": plain(row.total), "difference": _difference(row, list(sums.values()))}
        entries.append(entry)
    return entries


def _difference(row: Ignored, sums: Sequence[Mapping[str, str]]) -> str | None:
    """Return by how much a printed sum is above ours; None where sums of several currencies stand apart."""
    if row.total is None or not row.of or len(sums) > 1:
        return None
    ours = Decimal(sums[0][row.of]) if sums else Decimal(0)
    return plain(EXACT.subtract(row.total, ours))
