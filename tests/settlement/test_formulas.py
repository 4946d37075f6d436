"""Promise: a merchant's formula gives exactly what it says, and a wrong one is told where and why, never by a crash."""

import ast
import math
import operator
import random
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.bootstrap import ROOT
from core.money import Rounding
from settlement.formulas import (
    DEFAULTS,
    MAX_DEPTH,
    MAX_LENGTH,
    REPLACEABLE,
    VARIABLES,
    FormulaError,
    KeyWrong,
    OwnFormula,
    Place,
    Position,
    Problem,
    Reason,
    Wrong,
    key_problem,
    known_from,
    problems,
    read,
)


def value(text: str, **values: int | Fraction) -> Fraction:
    """Return what an expression gives."""
    return read(text).value(values)


class TestValues:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("1 + 2 * 3", 7),
            ("(1 + 2) * 3", 9),
            ("10 - 4 - 3", 3),
            ("-2 * -3", 6),
            ("2 - -3", 5),
            ("--5", 5),
            ("-(2 + 3) * 2", -10),
            ("0.1 + 0.2", Fraction(3, 10)),
            ("A * 0.033", 330),
            (" A\n +\tA ", 20_000),
        ],
    )
    def test_operators_bind_as_in_arithmetic(self, text: str, expected: int | Fraction) -> None:
        assert value(text, A=10_000) == expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("ROUND(2.5)", 3),
            ("ROUND(-2.5)", -3),
            ("ROUND(2.4)", 2),
            ("ROUND_UP(2.1)", 3),
            ("ROUND_UP(-2.1)", -3),
            ("ROUND_DOWN(2.9)", 2),
            ("ROUND_DOWN(-2.9)", -2),
            ("ROUND(1.4 + ROUND_UP(0.1)) * 1.5", 3),
        ],
    )
    def test_functions_round_inside_an_expression(self, text: str, expected: int) -> None:
        assert value(text) == expected

    def test_a_variable_without_a_value_is_an_error_of_the_formula(self) -> None:
        with pytest.raises(FormulaError) as caught:
            value("1 + A")
        assert (caught.value.wrong, caught.value.start) == (Wrong.INVALID_VARIABLE, 4)

    def test_numbers_take_the_place_of_variables(self) -> None:
        formula = read("ROUND(ORDER_AMOUNT * RATE)\n + ORDER_AMOUNT")
        written = formula.with_numbers({"ORDER_AMOUNT": "10,000", "RATE": "3.3%"})
        assert written == "ROUND(10,000 * 3.3%) + 10,000"
        assert formula.names == ("ORDER_AMOUNT", "RATE")

    def test_equals_an_independent_reading_of_ten_thousand_expressions(self) -> None:
        chance = random.Random(20_261_121)
        for _ in range(10_000):
            text = expression(chance, depth=chance.randint(0, 5))
            values = {name: Fraction(chance.randint(-(10**6), 10**6), 10 ** chance.randint(0, 5)) for name in "ABC"}
            assert value(text, **values) == Reference(text, values).value(), text


def expression(chance: random.Random, depth: int) -> str:
    """Return a random expression."""
    if not depth:
        number = str(chance.randint(0, 99_999)) + chance.choice(["", f".{chance.randint(0, 999)}"])
        leaves: list[str] = [*"ABC", number, number, number]
        return chance.choice(leaves)
    space = chance.choice(["", " ", "  ", "\n", "\t"])
    first, second = (expression(chance, depth - 1) for _ in range(2))
    shapes = [
        f"{first}{space}+{space}{second}",
        f"{first}{space}-{space}{second}",
        f"{first}{space}*{space}{second}",
        f"-{space}{first}",
        f"({space}{first})",
        f"{chance.choice(['ROUND', 'ROUND_UP', 'ROUND_DOWN'])}{space}({first}{space})",
    ]
    return chance.choice(shapes)


class Reference:
    """Reads an expression as Python would and computes it; shares nothing with what it checks."""

    OPERATORS: ClassVar[Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]]] = {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
    }

    def __init__(self, text: str, values: Mapping[str, Fraction]) -> None:
        # Inside brackets a line may end anywhere.
        self.source = f"(\n{text}\n)"
        self.values = values

    def value(self) -> Fraction:
        """Return the result."""
        return self._of(ast.parse(self.source, mode="eval").body)

    def _of(self, node: ast.expr) -> Fraction:
        if isinstance(node, ast.BinOp):
            return self.OPERATORS[type(node.op)](self._of(node.left), self._of(node.right))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self._of(node.operand)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self._rounded(node.func.id, self._of(node.args[0]))
        if isinstance(node, ast.Name):
            return self.values[node.id]
        assert isinstance(node, ast.Constant), ast.dump(node)
        return Fraction(ast.get_source_segment(self.source, node) or "")

    @staticmethod
    def _rounded(name: str, exact: Fraction) -> Fraction:
        size = abs(exact)
        whole = {"ROUND": math.floor(size + Fraction(1, 2)), "ROUND_UP": math.ceil(size), "ROUND_DOWN": int(size)}[name]
        return Fraction(whole if exact > 0 else -whole)


class TestErrors:
    @pytest.mark.parametrize(
        ("text", "wrong", "piece"),
        [
            ("MAX(1)", Wrong.INVALID_FUNCTION, "MAX"),
            ("round(1)", Wrong.INVALID_FUNCTION, "round"),
            ("1 / 2", Wrong.INVALID_OPERATOR, "/"),
            ("2 ^ 3", Wrong.INVALID_OPERATOR, "^"),
            ("1 + ₩", Wrong.INVALID_SYNTAX, "₩"),
            ("1 + 주문", Wrong.INVALID_SYNTAX, "주"),
            ("3A", Wrong.INVALID_SYNTAX, "3A"),
            ("1.2.3", Wrong.INVALID_SYNTAX, "1.2.3"),
            ("1.", Wrong.INVALID_SYNTAX, "1."),
            (".5", Wrong.INVALID_SYNTAX, "."),
            ("(1 + 2", Wrong.MISSING_EXPECTED_TOKEN, "("),
            ("(", Wrong.MISSING_EXPECTED_TOKEN, "("),
            ("ROUND + 1", Wrong.MISSING_EXPECTED_TOKEN, "ROUND"),
            ("", Wrong.MISSING_EXPECTED_TOKEN, ""),
            ("* 3", Wrong.MISSING_LEFT_OPERAND, "*"),
            ("+ 3", Wrong.MISSING_LEFT_OPERAND, "+"),
            ("(* 3)", Wrong.MISSING_LEFT_OPERAND, "*"),
            ("1 2", Wrong.MISSING_OPERATOR, "2"),
            ("A B", Wrong.MISSING_OPERATOR, "B"),
            ("2 (3)", Wrong.MISSING_OPERATOR, "("),
            ("(2) 3", Wrong.MISSING_OPERATOR, "3"),
            ("1 +", Wrong.MISSING_RIGHT_OPERAND, "+"),
            ("1 * )", Wrong.MISSING_RIGHT_OPERAND, "*"),
            ("1 + * 2", Wrong.MISSING_RIGHT_OPERAND, "+"),
            ("-", Wrong.MISSING_RIGHT_OPERAND, "-"),
            ("ROUND()", Wrong.WRONG_NUMBER_OF_ARGUMENTS, "ROUND()"),
            ("ROUND(1, 2)", Wrong.WRONG_NUMBER_OF_ARGUMENTS, "ROUND(1,"),
            ("1)", Wrong.UNEXPECTED_TOKEN, ")"),
            ("()", Wrong.UNEXPECTED_TOKEN, ")"),
            ("1, 2", Wrong.UNEXPECTED_TOKEN, ","),
            ("(1, 2)", Wrong.UNEXPECTED_TOKEN, ","),
        ],
    )
    def test_name_the_kind_and_the_piece(self, text: str, wrong: Wrong, piece: str) -> None:
        with pytest.raises(FormulaError) as caught:
            read(text)
        error = caught.value
        assert (error.wrong, text[error.start : error.end]) == (wrong, piece)

    def test_name_the_line_and_the_index_in_it(self) -> None:
        with pytest.raises(FormulaError) as caught:
            read("ORDER_AMOUNT\n  + FLOOR(1)")
        assert caught.value.position == Position(2, 4, 2, 9)

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("1" + "+1" * MAX_LENGTH, Reason.TOO_LONG),
            ("(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1), Reason.TOO_DEEP),
            ("(" * 10_000 + "1" + ")" * 10_000, Reason.TOO_LONG),
            ("(" * 1_900, Reason.TOO_DEEP),
            ("ROUND(" * 300 + "1" + ")" * 150, Reason.TOO_DEEP),
            ("9" * 16, Reason.TOO_MANY_DIGITS),
            ("1." + "1" * 11, Reason.TOO_MANY_DIGITS),
        ],
    )
    def test_bounds_are_kept(self, text: str, reason: Reason) -> None:
        with pytest.raises(FormulaError) as caught:
            read(text)
        assert caught.value.reason == reason

    def test_bounds_may_be_touched(self) -> None:
        assert value("(" * MAX_DEPTH + "1" + ")" * MAX_DEPTH) == 1
        assert value("-" * (MAX_LENGTH - 1) + "1") == -1
        assert value("9" * 15 + "." + "9" * 10) == Fraction(10**25 - 1, 10**10)

    @settings(max_examples=500)
    @given(st.text(max_size=200) | st.text(alphabet="AB01.+-*(),ROUND_/ \n", max_size=60))
    def test_garbage_never_crashes(self, text: str) -> None:
        result: Fraction | None = None
        start = end = 0
        try:
            result = read(text).value(dict.fromkeys(read(text).names, 3))
        except FormulaError as error:
            start, end = error.start, error.end
        assert isinstance(result, Fraction) or 0 <= start <= end <= len(text)


def own(key: str, expression: str) -> OwnFormula:
    """Return an own formula."""
    return OwnFormula(key, key, expression)


def found(
    replaced: Mapping[Place, str] | None = None, *formulas: OwnFormula, parameters: tuple[str, ...] = ()
) -> list[tuple[Place, int, object, Reason]]:
    """Return what is wrong with a calculation, as (formula, number, kind, reason)."""

    def kinds(problem: Problem) -> tuple[Place, int, object, Reason]:
        wrong = problem.wrong
        if isinstance(wrong, KeyWrong):
            return problem.place, problem.number, wrong, Reason.NONE
        return problem.place, problem.number, wrong.wrong, wrong.reason

    return [kinds(problem) for problem in problems(replaced or {}, formulas, parameters)]


class TestNames:
    # The table of the domain, written out again: variable -> where it may be used.
    TABLE: ClassVar[Mapping[str, str]] = {
        "ORDER_AMOUNT": "platform_fee additional_fee settlement",
        "PAYMENT_AMOUNT": "platform_fee additional_fee settlement",
        "FIXED_AMOUNT": "platform_fee additional_fee",
        "DISCOUNT_AMOUNT": "platform_fee discount_share additional_fee settlement",
        "FIXED_RATE": "platform_fee discount_share additional_fee",
        "DISCOUNT_SHARE_AMOUNT": "platform_fee additional_fee settlement",
        "PLATFORM_FEE_AMOUNT": "additional_fee settlement",
        "PLATFORM_FEE_VAT": "additional_fee settlement",
        "PAYMENT_VAT_BURDEN_AMOUNT": "settlement",
        "PLATFORM_ADDITIONAL_FEE": "settlement",
        "PLATFORM_DISCOUNT_SHARE": "settlement",
        "PLATFORM_FEE": "settlement",
        "SETTLEMENT_AMOUNT": "",
        "ORDER_TAX_FREE_RATIO": "",
        "DISCOUNT_SHARE_TAX_FREE_AMOUNT": "",
        "ORDER_TAX_FREE_AMOUNT": "platform_fee discount_share additional_fee settlement",
        "PAYMENT_VAT_AMOUNT": "platform_fee discount_share additional_fee settlement",
    }

    @pytest.mark.parametrize("name", TABLE)
    def test_each_variable_is_known_where_the_table_says(self, name: str) -> None:
        places = [place for place in REPLACEABLE if place is not Place.SETTLEMENT_TAX_FREE]
        assert [place.value for place in places if not found({place: name})] == [
            place.value for place in places if place.value in self.TABLE[name].split()
        ]

    def test_the_tax_free_settlement_sees_what_the_settlement_sees_and_more(self) -> None:
        seen = set(VARIABLES[Place.SETTLEMENT_TAX_FREE])
        assert seen == set(VARIABLES[Place.SETTLEMENT]) | {
            "SETTLEMENT_AMOUNT",
            "ORDER_TAX_FREE_RATIO",
            "DISCOUNT_SHARE_TAX_FREE_AMOUNT",
        }

    def test_the_defaults_are_formulas_themselves(self) -> None:
        assert not found(DEFAULTS)

    def test_a_variable_of_another_formula_is_told_apart_from_an_unknown_one(self) -> None:
        assert found({Place.DISCOUNT_SHARE: "ORDER_AMOUNT", Place.SETTLEMENT: "ORDER"}) == [
            (Place.DISCOUNT_SHARE, 0, Wrong.INVALID_VARIABLE, Reason.NOT_HERE),
            (Place.SETTLEMENT, 0, Wrong.INVALID_VARIABLE, Reason.NONE),
        ]

    def test_own_formulas_use_only_earlier_ones(self) -> None:
        assert not found(None, own("a", "ORDER_AMOUNT"), own("b", "a * 2"))
        assert found(None, own("b", "a * 2"), own("a", "ORDER_AMOUNT")) == [
            (Place.OWN, 0, Wrong.INVALID_VARIABLE, Reason.LATER)
        ]
        assert found(None, own("a", "a + 1")) == [(Place.OWN, 0, Wrong.INVALID_VARIABLE, Reason.LATER)]

    def test_a_formula_uses_own_ones_only_once_they_can_be_computed(self) -> None:
        fee = own("fee", "PLATFORM_FEE_AMOUNT * 2")
        twice = own("twice", "fee + 1")
        assert not found({Place.ADDITIONAL_FEE: "twice", Place.SETTLEMENT: "twice"}, fee, twice)
        assert found({Place.PLATFORM_FEE: "1 + twice"}, fee, twice) == [
            (Place.PLATFORM_FEE, 0, Wrong.INVALID_VARIABLE, Reason.LATER)
        ]
        assert known_from([fee, twice]) == {"fee": Place.ADDITIONAL_FEE, "twice": Place.ADDITIONAL_FEE}

    def test_parameters_are_known_everywhere(self) -> None:
        everywhere = dict.fromkeys(REPLACEABLE, "rate * 2")
        assert not found(everywhere, own("a", "rate"), parameters=("rate",))

    @pytest.mark.parametrize(
        ("key", "wrong"),
        [
            ("ORDER_AMOUNT", KeyWrong.RESERVED),
            ("ROUND_UP", KeyWrong.RESERVED),
            ("1st", KeyWrong.INVALID),
            ("", KeyWrong.INVALID),
            ("a-b", KeyWrong.INVALID),
            ("a\n", KeyWrong.INVALID),
            ("수수료", KeyWrong.INVALID),
            ("a" * 65, KeyWrong.INVALID),
            ("a" * 64, None),
            ("_x1", None),
        ],
    )
    def test_keys(self, key: str, wrong: KeyWrong | None) -> None:
        assert key_problem(key) == wrong
        assert bool(found(None, own(key, "1"))) == (wrong is not None)

    def test_keys_clash_with_each_other_and_with_parameters(self) -> None:
        assert found(None, own("a", "1"), own("a", "2")) == [(Place.OWN, 1, KeyWrong.DUPLICATED, Reason.NONE)]
        clash = found(None, own("a", "1"), parameters=("a",))
        assert clash == [(Place.OWN, 0, KeyWrong.USED_BY_PARAMETER, Reason.NONE)]

    def test_there_are_ten_own_formulas_at_most(self) -> None:
        eleven = [own(f"f{number}", "1") for number in range(11)]
        assert not found(None, *eleven[:10])
        assert found(None, *eleven) == [(Place.OWN, 10, KeyWrong.TOO_MANY, Reason.NONE)]

    def test_a_wrong_own_formula_is_told_about_once(self) -> None:
        assert found({Place.SETTLEMENT: "a"}, own("a", "1 +"), own("b", "a")) == [
            (Place.OWN, 0, Wrong.MISSING_RIGHT_OPERAND, Reason.NONE)
        ]

    def test_rounding_is_down_unless_said(self) -> None:
        assert OwnFormula("a", "a", "1").rounding is Rounding.DOWN


class TestDocument:
    PAGE = (ROOT / "docs" / "formulas.md").read_text(encoding="utf-8")

    def test_says_what_the_default_formulas_are(self) -> None:
        assert re.findall(r"^\| [^|]+ \| `([^`]+)` \|$", self.PAGE, re.MULTILINE) == [DEFAULTS[p] for p in REPLACEABLE]

    def test_names_every_variable_where_it_may_be_used(self) -> None:
        columns = [Place.DISCOUNT_SHARE, Place.PLATFORM_FEE, Place.ADDITIONAL_FEE, Place.SETTLEMENT]
        said: dict[Place, set[str]] = {place: set() for place in columns}
        for names, marks in re.findall(r"^\| (`[A-Z_`, ]+`) \|[^|]+\|(.+)\|$", self.PAGE, re.MULTILINE):
            for place, mark in zip(columns, marks.split("|"), strict=True):
                said[place] |= set(re.findall(r"`(\w+)`", names)) if "✓" in mark else set()
        assert said == {place: set(VARIABLES[place]) for place in columns}

    def test_names_every_kind_of_error(self) -> None:
        assert {kind.value for kind in Wrong} | {f"KEY_{kind.value}" for kind in KeyWrong} <= set(
            re.findall(r"`(\w+)`", self.PAGE)
        )
