"""Distinct: how many different values, exact while few, estimated from a sketch when many."""

# ruff: noqa: D102 - what each method means is said once, by `Aggregate`.

from bisect import bisect_left
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import md5
from typing import Any

from sqlglot import exp

from customering.aggregates.base import KEY, Aggregate, Row
from customering.aggregates.checks import check_whole, key_text
from customering.aggregates.sql import double, sql

# 12 hexadecimal digits: short enough to be stored inline by DuckDB; among 256 values two share a
# hash with a chance of 1e-10.
_DIGITS = 12
_HASHES = 16**_DIGITS


_REMEMBERED = 65_536


class _Hashes(dict[str, str]):
    """Hashes of the texts met lately: products come again and again, and looking is cheaper.

    When full it starts anew, at some 12 MB: simpler than keeping what was used last.
    """

    def __missing__(self, text: str) -> str:
        if len(self) >= _REMEMBERED:
            self.clear()
        digits = md5(text.encode(), usedforsecurity=False).hexdigest()[:_DIGITS]
        self[text] = digits
        return digits


_HASH_OF = _Hashes()


@dataclass(frozen=True)
class Distinct(Aggregate[list[str]]):
    """Number of different values: texts, whole numbers or truth values.

    Parameters
    ----------
    bound
        Up to how many different values the answer is exact, 16 to 4096. Beyond, it is an estimate
        with a relative standard error of ``1 / sqrt(bound - 1)``: 6.3 % at 256.

    Notes
    -----
    The state is the sorted list of the ``k = bound + 1`` smallest hashes of the values (the first
    48 bits of MD5, chosen because every SQL engine has it; nothing is kept secret by it). With at
    most `bound` hashes nothing was ever left out and their number is the answer. The values
    themselves are not kept.

    References
    ----------
    Bar-Yossef, Jayram, Kumar, Sivakumar, Trevisan. "Counting Distinct Elements in a Data Stream".
    RANDOM 2002, the first algorithm: keep the k smallest hashes. Beyer, Haas, Reinwald, Sismanis,
    Gemulla. "On Synopses for Distinct-Value Estimation Under Multiset Operations". SIGMOD 2007,
    section 4: the unbiased estimator (k - 1) / U_(k), U_(k) being the k-th smallest hash scaled to
    (0, 1], with relative standard error of at most 1 / sqrt(k - 2).
    """

    bound: int = 256

    def __post_init__(self) -> None:
        check_whole("bound", self.bound, 16, 4096, "values")

    @property
    def slot_key(self) -> Hashable:
        return ("distinct",)

    @property
    def reach(self) -> int:
        return self.bound

    @property
    def state_type(self) -> Any:
        return list[str]

    def zero(self) -> list[str]:
        return []

    def step(self, state: list[str], value: Any, weight: int | float, at_ms: int) -> list[str]:
        return self.step_many(state, (value,), (weight,), at_ms)

    def step_many(
        self, state: list[str], values: Sequence[Any], weights: Sequence[int | float], at_ms: int
    ) -> list[str]:
        bound = self.bound
        for value in values:
            digits = _HASH_OF[value if type(value) is str else key_text(value)]
            if not state or digits > state[-1]:
                # The state is full for most people who buy much: then this is all there is to do.
                if len(state) <= bound:
                    state.append(digits)
                continue
            place = bisect_left(state, digits)
            if state[place] != digits:
                state.insert(place, digits)
                del state[bound + 1 :]
        return state

    def merge(self, left: list[str], right: list[str]) -> list[str]:
        return sorted({*left, *right})[: self.bound + 1]

    def finish(self, state: list[str], now_ms: int) -> int:
        if len(state) <= self.bound:
            return len(state)
        return int(self.bound * _HASHES / (int(state[self.bound], 16) + 1) + 0.5)

    @property
    def grain(self) -> tuple[str, ...]:
        return (KEY,)

    def partials(self, row: Row) -> dict[str, exp.Expression]:
        return {"taken": sql("COUNT(*)")}

    def state_sql(self, columns: Mapping[str, exp.Expression]) -> exp.Expression:
        return sql(f"({_HASHES_SORTED})[1:{self.bound + 1}]", **columns)

    def value_sql(
        self, columns: Mapping[str, exp.Expression], now_ms: exp.Expression
    ) -> exp.Expression:
        # Only where the bound is passed does the second branch compute any hash.
        return sql(
            "CASE WHEN COUNT(*) FILTER (WHERE :taken > 0) <= :bound "
            "THEN COUNT(*) FILTER (WHERE :taken > 0) "
            "ELSE CAST(FLOOR(:scale / (CAST('0x' || :last AS BIGINT) + 1) + 0.5) AS BIGINT) END",
            taken=columns["taken"],
            bound=self.bound,
            scale=double(self.bound * _HASHES),
            last=sql(f"({_HASHES_SORTED})[{self.bound + 1}]", **columns),
        )


_HASHES_SORTED = (
    "LIST_SORT(LIST_TRANSFORM(LIST(:key) FILTER (WHERE :taken > 0), "
    f"LAMBDA k : SUBSTRING(MD5(k), 1, {_DIGITS})))"
)
