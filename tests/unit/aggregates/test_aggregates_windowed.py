from customering.aggregates.registry import build

DAY = 86_400_000


def test_a_window_is_today_and_the_days_before_it() -> None:
    week = build("count", window_days=7)
    state = week.zero()
    for day in (1, 3, 4, 10):
        state = week.step(state, "", 1, day * DAY)
    assert week.finish(state, 10 * DAY) == 2
    assert week.finish(state, 11 * DAY - 1) == 2
    assert week.finish(state, 11 * DAY) == 1
    assert week.finish(state, 17 * DAY) == 0


def test_days_out_of_reach_are_forgotten_whatever_the_order_of_arrival() -> None:
    week = build("count", window_days=7)
    late, early = week.zero(), week.zero()
    for day in (20, 10, 13):
        late = week.step(late, "", 1, day * DAY)
    for day in (10, 13, 20):
        early = week.step(early, "", 1, day * DAY)
    assert late == early == {20: 1, 13: 1}


def test_an_event_of_tomorrow_takes_nothing_from_today() -> None:
    week = build("count", window_days=7)
    state = week.step(week.step(week.zero(), "", 1, 14 * DAY), "", 1, 21 * DAY)
    assert week.finish(state, 20 * DAY) == 1
