"""The community's demo data: what it must hold so that every job has something to find."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest

from orchestration.demo import community
from orchestration.demo.clock import EDGE_ZONES
from orchestration.demo.groups import KINDS, planted_groups
from orchestration.demo.ledger import EVENTS
from orchestration.demo.plan import LAST_DAY, Plan, plan
from orchestration.demo.table import Table
from orchestration.zones import zone_info

SMALL = plan("small")
Row = dict[str, Any]


def rows_of(table: Table, size: int = 20_000) -> Iterator[Row]:
    for block in table.blocks(size):
        yield from (dict(zip(block, values, strict=True)) for values in zip(*block.values(), strict=True))


@cache
def data() -> dict[str, list[Row]]:
    return {table.name: list(rows_of(table)) for table in community.tables(SMALL)}


def authors(table: str) -> dict[str, str]:
    return {row["id"]: row["authorId"] for row in data()[table]}


def votes() -> Iterator[tuple[str, str, Row]]:
    for table, content in (("doubt_votes", "doubt"), ("answer_votes", "answer")):
        author = authors(f"{content}s")
        yield from ((vote["userId"], author[vote[f"{content}Id"]], vote) for vote in data()[table])


def ledger_sums() -> Counter[str]:
    sums: Counter[str] = Counter()
    for row in data()["points_ledger"]:
        sums[row["userId"]] += row["points"]
    return sums


def test_the_small_scale_is_as_small_as_it_says() -> None:
    counts = {name: len(rows) for name, rows in data().items()}
    assert counts["users"] == 1000
    assert 10_000 <= counts["doubt_votes"] + counts["answer_votes"] <= 12_000
    assert all(len(rows) == table.rows for table, rows in zip(community.tables(SMALL), data().values(), strict=True))


def test_equal_plans_give_equal_rows_whatever_the_size_of_a_block() -> None:
    again = {table.name: list(rows_of(table, size=777)) for table in community.tables(plan("small"))}
    assert again == data()


def test_the_rows_are_those_that_they_have_always_been() -> None:
    tables = {table.name: table for table in community.tables(SMALL)}
    digest = sha256("".join(repr(row) for row in rows_of(tables["points_ledger"])).encode())
    assert digest.hexdigest()[:16] == "714d105c9612d6e3"


def test_another_last_day_moves_the_data() -> None:
    moved = next(t for t in community.tables(Plan("small", 1000, date(2026, 3, 1))) if t.name == "points_ledger")
    assert max(row["createdAt"] for row in rows_of(moved)).date() == date(2026, 3, 1)


def test_ids_and_addresses_are_unique() -> None:
    for name, rows in data().items():
        assert len({row["id"] for row in rows}) == len(rows), name
    assert len({row["email"] for row in data()["users"]}) == 1000


@pytest.mark.parametrize("content", ["doubt", "answer"])
def test_nobody_votes_twice_on_the_same_content(content: str) -> None:
    pairs = [(vote["userId"], vote[f"{content}Id"]) for vote in data()[f"{content}_votes"]]
    assert len(set(pairs)) == len(pairs)


def test_nothing_happens_before_its_cause_or_after_the_last_day() -> None:
    joined = {row["id"]: row["createdAt"] for row in data()["users"]}
    asked = {row["id"]: row["createdAt"] for row in data()["doubts"]}
    end = datetime(LAST_DAY.year, LAST_DAY.month, LAST_DAY.day) + timedelta(days=1)
    assert all(joined[row["authorId"]] <= row["createdAt"] < end for row in data()["doubts"])
    assert all(asked[row["doubtId"]] <= row["createdAt"] < end for row in data()["answers"])
    assert all(joined[row["authorId"]] <= row["createdAt"] for row in data()["answers"])
    assert all(joined[voter] <= vote["createdAt"] < end for voter, _, vote in votes())


def test_votes_are_skewed_repeated_and_sometimes_returned() -> None:
    edges = Counter((voter, target) for voter, target, _ in votes())
    received = Counter(target for _, target, _ in votes())
    assert sum(n for _, n in received.most_common(50)) > 0.35 * sum(received.values())
    assert sum(n > 1 for n in edges.values()) > 500
    assert sum((target, voter) in edges for voter, target in edges) > 300
    assert any(voter == target for voter, target in edges)


def test_votes_come_up_and_down() -> None:
    types = Counter(vote["type"] for _, _, vote in votes())
    assert set(types) == {"UP", "DOWN"}
    assert 0.05 < types["DOWN"] / types.total() < 0.2


def test_the_counters_of_a_doubt_agree_with_its_votes() -> None:
    cast: Counter[tuple[str, str]] = Counter((vote["doubtId"], vote["type"]) for vote in data()["doubt_votes"])
    for row in data()["doubts"]:
        assert (row["upvotes"], row["downvotes"]) == (cast[row["id"], "UP"], cast[row["id"], "DOWN"])


def test_planted_rings_vote_for_each_other_and_never_against() -> None:
    cast: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for voter, target, vote in votes():
        cast[voter, target].append(vote["type"])
    for group in planted_groups(1000):
        for voter, target in group.edges():
            given = cast[f"user_{voter:07d}", f"user_{target:07d}"]
            assert len(given) >= 3
            assert not group.is_ring or given.count("UP") >= 8


def test_a_planted_cycle_leaves_its_pairs_one_way() -> None:
    cycle = next(group for group in planted_groups(1000) if group.kind == "cycle")
    assert not set(cycle.edges()) & {(target, voter) for voter, target in cycle.edges()}


def test_honest_niches_disagree_now_and_then() -> None:
    inside = {
        frozenset((f"user_{a:07d}", f"user_{b:07d}"))
        for group in planted_groups(1000)
        if not group.is_ring
        for a, b in group.edges()
    }
    types = Counter(vote["type"] for voter, target, vote in votes() if frozenset((voter, target)) in inside)
    assert types["DOWN"] > 20


def test_planted_groups_are_of_every_kind_and_share_no_member() -> None:
    groups = planted_groups(1000)
    members = [member for group in groups for member in group.members]
    assert {group.kind for group in groups} == set(KINDS)
    assert len(set(members)) == len(members)
    assert groups == planted_groups(1000)


def test_the_ledger_knows_every_type_of_event() -> None:
    assert {row["eventType"] for row in data()["points_ledger"]} == set(EVENTS)


def test_some_rows_of_the_ledger_arrive_long_after_their_date() -> None:
    newest, late = datetime.min, 0
    for row in data()["points_ledger"]:
        late += newest - row["createdAt"] > timedelta(days=3)
        newest = max(newest, row["createdAt"])
    assert 50 < late < 300


def test_the_ids_of_the_ledger_follow_its_arrival() -> None:
    ids = [row["id"] for row in data()["points_ledger"]]
    assert all(a < b for a, b in pairwise(ids))


def test_some_users_have_no_row_in_the_ledger() -> None:
    assert 100 < 1000 - len(ledger_sums()) < 300


def test_balances_differ_from_the_ledger_both_ways() -> None:
    sums = ledger_sums()
    differences = [row["totalPoints"] - sums[row["userId"]] for row in data()["user_stats"]]
    assert sum(d > 0 for d in differences) > 200
    assert sum(d < 0 for d in differences) > 5
    assert sum(d == 0 for d in differences) > 300


def test_some_balances_have_no_ledger_behind_them_and_some_users_no_balance() -> None:
    sums = ledger_sums()
    assert sum(row["totalPoints"] > 0 and row["userId"] not in sums for row in data()["user_stats"]) > 20
    assert 0 < 1000 - len(data()["user_stats"]) < 100


def test_the_two_best_share_the_first_place() -> None:
    totals = sorted((row["totalPoints"] for row in data()["user_stats"]), reverse=True)
    assert totals[0] == totals[1] > totals[2]


def test_many_sums_of_the_ledger_are_equal() -> None:
    assert max(Counter(ledger_sums().values()).values()) >= 5


@pytest.mark.parametrize("zone", EDGE_ZONES)
def test_rows_stand_on_both_sides_of_midnight(zone: str) -> None:
    local = [row["createdAt"].replace(tzinfo=UTC).astimezone(zone_info(zone)) for row in data()["points_ledger"]]
    clock = Counter(moment.strftime("%H:%M:%S.%f")[:-3] for moment in local)
    assert clock["00:00:00.000"] >= 4
    assert clock["23:59:59.999"] >= 4


def test_reputation_is_a_balance_and_can_be_negative() -> None:
    values = [row["reputation"] for row in data()["users"]]
    assert min(values) < 0
    assert max(values) > 1000


def test_some_users_opted_out_or_are_banned_or_suspended() -> None:
    users = data()["users"]
    assert all(sum(row[c] for row in users) >= 3 for c in ("leaderboardOptOut", "isShadowBanned", "isSuspended"))
    assert all(row["suspendedUntil"] is None for row in users if not row["isSuspended"])


def test_every_day_of_the_last_half_year_has_points() -> None:
    days = {row["createdAt"].date() for row in data()["points_ledger"]}
    assert days == {LAST_DAY - timedelta(days=back) for back in range(180)}


def test_an_accepted_answer_carries_a_uuid_of_its_own() -> None:
    marks = [row["isAnswered"] for row in data()["answers"] if row["isAnswered"]]
    assert len(set(marks)) == len(marks) > 200


def test_prerequisites_make_no_cycle() -> None:
    needs: defaultdict[str, set[str]] = defaultdict(set)
    for row in data()["concept_prerequisites"]:
        needs[row["conceptId"]].add(row["prerequisiteId"])
    left = {row["id"] for row in data()["concepts"]}
    while ready := {concept for concept in left if not needs[concept] & left}:
        left -= ready
    assert not left


def test_the_scores_of_attempts_are_running_shares() -> None:
    tried: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in data()["concept_attempts"]:
        tried[row["userId"], row["conceptId"]].append(row)
    for rows in tried.values():
        share = sum(row["isCorrect"] for row in rows) / len(rows)
        assert rows[-1]["masteryScoreAfter"] == pytest.approx(share)
        assert all(a["masteryScoreAfter"] == b["masteryScoreBefore"] for a, b in pairwise(rows))


def test_mastery_counts_attempts_but_lags_behind_for_a_few_pairs() -> None:
    tried = Counter((row["userId"], row["conceptId"]) for row in data()["concept_attempts"])
    known = {(row["userId"], row["conceptId"]): row["totalAttempts"] for row in data()["mastery_records"]}
    assert all(known[pair] <= tried[pair] for pair in known)
    assert 0 < len(tried) - len(known) < 0.05 * len(tried)
    assert sum(known[pair] == tried[pair] for pair in known) > 0.95 * len(known)
