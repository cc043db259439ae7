"""A half-loaded warehouse must not resolve the world."""

import pytest

from conflict_assets.source.guard import HalfLoadedSource, PrefixVolume, check_for_half_load, refuse_empty_source


def volumes(**visits: int) -> dict[str, PrefixVolume]:
    return {prefix.removeprefix("p"): PrefixVolume(seen=count, usable=count) for prefix, count in visits.items()}


@pytest.mark.parametrize(("now", "stops"), [(800, False), (799, True)], ids=["80 %", "just under 80 %"])
def test_under_80_percent_in_all_stops_the_run(now, stops):
    if stops:
        with pytest.raises(HalfLoadedSource, match=r"799 visits in all, 1,000 last time.*--allow-visit-drop"):
            check_for_half_load(volumes(p04=1000), volumes(p04=now))
    else:
        check_for_half_load(volumes(p04=1000), volumes(p04=now))


@pytest.mark.parametrize(
    ("before", "now", "stops"),
    [(1001, 500, True), (1000, 499, False), (1002, 501, False)],
    ids=["under half of more than 1,000", "not more than 1,000", "just half"],
)
def test_under_half_of_a_large_prefix_stops_the_run(before, now, stops):
    previous, current = volumes(p04=before, p05=50_000), volumes(p04=now, p05=50_000)
    if stops:
        with pytest.raises(HalfLoadedSource, match=r"prefix 04 \(1,001 to 500\)"):
            check_for_half_load(previous, current)
    else:
        check_for_half_load(previous, current)


@pytest.mark.parametrize(("count", "more"), [(10, ""), (12, " and 2 more")])
def test_ten_prefixes_that_have_fallen_are_named_and_the_others_are_counted(count, more):
    names = [f"{number:02}" for number in range(count)]
    previous = dict.fromkeys(names, PrefixVolume(seen=2000, usable=2000)) | volumes(p99=1_000_000)
    with pytest.raises(HalfLoadedSource) as stopped:
        check_for_half_load(previous, previous | dict.fromkeys(names, PrefixVolume(seen=1, usable=1)))
    told = ", ".join(f"{name} (2,000 to 1)" for name in names[:10])
    assert f"visits under 50% of last time in prefix {told}{more};" in str(stopped.value)


def test_visits_that_can_no_longer_be_used_count_as_missing():
    previous = {"04": PrefixVolume(seen=5000, usable=5000)}
    with pytest.raises(HalfLoadedSource, match="usable visits"):
        check_for_half_load(previous, {"04": PrefixVolume(seen=5000, usable=100)})


def test_a_first_run_and_a_grown_source_pass():
    check_for_half_load({}, volumes(p04=10))
    check_for_half_load(volumes(p04=10), volumes(p04=10_000))


def test_prefixes_of_other_runs_do_not_count():
    check_for_half_load(volumes(p04=1000, p05=900_000), volumes(p04=1000))


@pytest.mark.parametrize(("now", "stops"), [(700, False), (0, True)], ids=["fewer", "none left"])
def test_a_run_over_some_prefixes_may_see_a_few_visits_go(now, stops):
    if stops:
        with pytest.raises(HalfLoadedSource):
            check_for_half_load(volumes(p04=900), volumes(p04=now), whole_source=False)
    else:
        check_for_half_load(volumes(p04=900), volumes(p04=now), whole_source=False)


def test_an_empty_source_is_an_error_not_an_empty_night():
    with pytest.raises(HalfLoadedSource, match="no visits at all"):
        refuse_empty_source(volumes(p04=0, p05=0), without_ssn=0, allow_drop=True)
    refuse_empty_source(volumes(p04=0, p05=1), without_ssn=0)
    refuse_empty_source(volumes(p04=0, p05=1), without_ssn=7)


def test_a_source_without_a_good_ssn_is_told_from_an_empty_one():
    with pytest.raises(HalfLoadedSource, match=r"None of the source's 1,234 visits has a good SSN.*DIMCAREGIVER"):
        refuse_empty_source(volumes(p04=0, p05=0), without_ssn=1234)
    refuse_empty_source(volumes(p04=0, p05=0), without_ssn=1234, allow_drop=True)
