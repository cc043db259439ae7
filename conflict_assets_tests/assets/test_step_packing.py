from hypothesis import given
from hypothesis import strategies as st

from conflict_assets.assets.step_packing import mapping_key, pack_prefixes, prefixes_of
from conflict_assets.partitions import all_prefixes

VISITS_PER_STEP = 25_000
VOLUMES = st.dictionaries(st.sampled_from(all_prefixes(2)), st.integers(1, 3 * VISITS_PER_STEP))


@given(VOLUMES, st.integers(1, 8))
def test_every_prefix_is_in_exactly_one_step(volumes, workers):
    packs = pack_prefixes(volumes, workers=workers, visits_per_step=VISITS_PER_STEP)
    assert sorted(prefix for pack in packs for prefix in pack) == sorted(volumes)
    assert all(packs)


@given(VOLUMES, st.integers(1, 8))
def test_no_step_is_much_larger_than_its_share(volumes, workers):
    packs = pack_prefixes(volumes, workers=workers, visits_per_step=VISITS_PER_STEP)
    share = sum(volumes.values()) / max(len(packs), 1)
    for pack in packs:
        assert sum(volumes[prefix] for prefix in pack) <= 2 * share + max(volumes.values())


def test_small_prefixes_share_a_step_and_every_worker_has_one():
    assert len(pack_prefixes(dict.fromkeys(all_prefixes(2), 10), workers=4, visits_per_step=VISITS_PER_STEP)) == 4


def test_the_last_step_is_not_alone():
    volumes = dict.fromkeys(all_prefixes(2), VISITS_PER_STEP // 20)
    for workers, steps in ((1, 5), (2, 6), (3, 6), (4, 8)):
        assert len(pack_prefixes(volumes, workers=workers, visits_per_step=VISITS_PER_STEP)) == steps


def test_large_prefixes_have_a_step_each():
    assert (
        len(pack_prefixes(dict.fromkeys(all_prefixes(2), VISITS_PER_STEP), workers=4, visits_per_step=VISITS_PER_STEP))
        == 100
    )


def test_nothing_to_do_needs_no_step():
    assert pack_prefixes({}, workers=4, visits_per_step=VISITS_PER_STEP) == []


def test_a_step_a_prefix_is_a_matter_of_its_worth():
    assert len(pack_prefixes(dict.fromkeys(all_prefixes(1), 10), workers=2, visits_per_step=1)) == 10


def test_a_step_is_named_after_its_prefixes():
    assert mapping_key(["04"]) == "04"
    assert mapping_key(["19", "04", "17", "18"]) == "04_17to19"


@given(st.sets(st.sampled_from(all_prefixes(3)), min_size=1))
def test_a_step_s_name_tells_its_prefixes(prefixes):
    assert prefixes_of(mapping_key(sorted(prefixes))) == tuple(sorted(prefixes))


def test_one_visit_per_step_gives_each_prefix_its_own_step_however_unequal_they_are():
    visits = {"0": 35, "1": 4000, "2": 0, "3": 31, "4": 2}
    packs = pack_prefixes(visits, workers=2, visits_per_step=1)
    assert packs == [("0",), ("1",), ("2",), ("3",), ("4",)]
