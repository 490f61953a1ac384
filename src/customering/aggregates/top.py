"""Top: the keys with the largest totals, such as the three favourite departments."""

# ruff: noqa: D102 - what each method means is said once, by `Aggregate`.

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from customering.aggregates.base import KEY, Aggregate, Row
from customering.aggregates.checks import check_whole, key_text
from customering.aggregates.sql import json_object, smallest, sql

_LONGEST_LIST = 1000


@dataclass(frozen=True)
class TopK(Aggregate[dict[str, Any]]):
    """Keys with the largest total weight as ``[[key, total], ...]``, ties in order of the key.

    The value is the key; the weight is what is summed for it. With weight 1 it is a count.

    Parameters
    ----------
    k
        How many keys, 1 to 1000.

    Notes
    -----
    The state is the whole map from key to total, so the answer is exact, and top lists of different
    lengths share it. It grows with the number of different keys: meant for categories, brands,
    channels and the products of one person, not for words of free text.
    """

    k: int

    def __post_init__(self) -> None:
        check_whole("k", self.k, 1, _LONGEST_LIST)

    @property
    def slot_key(self) -> Hashable:
        return ("totals",)

    @property
    def state_type(self) -> Any:
        return dict[str, int | float]

    def zero(self) -> dict[str, Any]:
        return {}

    def step(
        self, state: dict[str, Any], value: Any, weight: int | float, at_ms: int
    ) -> dict[str, Any]:
        key = value if type(value) is str else key_text(value)
        state[key] = state.get(key, 0) + weight
        return state

    def step_many(
        self,
        state: dict[str, Any],
        values: Sequence[Any],
        weights: Sequence[int | float],
        at_ms: int,
    ) -> dict[str, Any]:
        get = state.get
        for value, weight in zip(values, weights, strict=True):
            key = value if type(value) is str else key_text(value)
            state[key] = get(key, 0) + weight
        return state

    def merge(self, left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
        merged = left.copy()
        for key, total in right.items():
            merged[key] = merged.get(key, 0) + total
        return merged

    def finish(self, state: dict[str, Any], now_ms: int) -> list[list[Any]] | None:
        ranked = sorted(state.items(), key=lambda item: (-item[1], item[0]))
        return [list(item) for item in ranked[: self.k]] or None

    @property
    def grain(self) -> tuple[str, ...]:
        return (KEY,)

    def partials(self, row: Row) -> dict[str, exp.Expression]:
        return {"total": sql("SUM(:weight)", weight=row.weight)}

    def state_sql(self, columns: Mapping[str, exp.Expression]) -> exp.Expression:
        total = columns["total"]
        return json_object(columns["key"], total, taken=sql(":total IS NOT NULL", total=total))

    def value_sql(
        self, columns: Mapping[str, exp.Expression], now_ms: exp.Expression
    ) -> exp.Expression:
        total = columns["total"]
        ranked = smallest(
            sql(
                "{'rank': :rank, 'key': :name}",
                rank=sql("-:total", total=total),
                name=columns["key"],
            ),
            self.k,
            taken=sql(":total IS NOT NULL", total=total),
        )
        return sql("LIST_TRANSFORM(:ranked, LAMBDA e : ROW(e.key, -e.rank))", ranked=ranked)
