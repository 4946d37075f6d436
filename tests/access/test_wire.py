"""Promise: an answer leaves out what is absent and never says null, whatever it is put together from."""

from access.wire import without_absent


def test_absent_values_are_left_out_at_every_level() -> None:
    nothing: dict[str, object] = {"f": 0, "g": [], "h": "", "i": {}, "j": False}
    body = {"a": None, "b": {"c": None, "d": [{"e": None}, []]}, **nothing}
    assert without_absent(body) == {"b": {"d": [{}, []]}, **nothing}


def test_what_is_added_to_a_finished_part_is_looked_at_again() -> None:
    part = without_absent({"a": 1, "b": None})
    whole = without_absent({"as it was": part, "with more": part | {"c": None}, "listed": [part, {**part, "d": None}]})
    assert whole == {"as it was": {"a": 1}, "with more": {"a": 1}, "listed": [{"a": 1}, {"a": 1}]}
