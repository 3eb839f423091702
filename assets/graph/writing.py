"""A batch of the drain, on the side of Neo4j: one transaction behind the fence, or several where one is refused.

One bad key stays one bad key: what is refused is written in halves until it stands alone. Only an answer about the data
counts as a refusal; anything else is an error of the drain.
"""

from collections import Counter
from collections.abc import Sequence

from neo4j.exceptions import ClientError, CypherSyntaxError, DatabaseError, Neo4jError, TransientError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from assets.graph import model
from assets.graph.batch import MISSING_END, Outcome
from assets.graph.lease import Lease
from assets.graph.model import Rows, Taken
from orchestration.errors import first_line
from orchestration.failpoints import failpoint
from orchestration.graph import GraphSession

_ABOUT_DATA = ("Neo.ClientError.Statement.", "Neo.ClientError.Schema.", "Neo.DatabaseError.")


class Refused(Exception):
    """Neo4j cannot hold something of what it was given; nothing was written."""


def write(graph: GraphSession, token: int, rows: Rows, version: int) -> Outcome:
    """Write keys in one transaction; again when the locks of a stranger's transaction were in the way.

    Raises:
        Fenced: another writer has taken over; nothing was written.
        Refused: Neo4j cannot hold something of it; nothing was written.
    """
    try:
        for attempt in Retrying(
            retry=retry_if_exception_type(TransientError),
            stop=stop_after_attempt(5),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            reraise=True,
        ):
            with attempt:
                return _write_once(graph, token, rows, version)
    except (ClientError, DatabaseError) as error:
        _raise_unless_about_data(graph, token, error)
        raise Refused(first_line(error.message or str(error))[:500]) from error
    raise AssertionError("Retrying either returns or raises")


def _write_once(graph: GraphSession, token: int, rows: Rows, version: int) -> Outcome:
    with graph.fenced(token, version) as tx:
        absent = model.write(tx, rows)
        failpoint("graph_drain.written")
    return Outcome(
        written=rows.kinds.total() - rows.deleted - len(absent),
        deleted=rows.deleted,
        parked=dict.fromkeys(absent, MISSING_END),
        kinds=rows.kinds,
    )


def _raise_unless_about_data(graph: GraphSession, token: int, error: Neo4jError) -> None:
    """Raise what is no matter of the data: a write of nothing at all fails then too, such as with a full disk."""
    if isinstance(error, CypherSyntaxError) or not (error.code or "").startswith(_ABOUT_DATA):
        raise error
    with graph.fenced(token):
        pass


def write_apart(graph: GraphSession, held: Lease, keys: Sequence[Taken], version: int) -> Outcome:
    """Write in halves what was refused as a whole; what is refused alone is told with the reason.

    Raises:
        Fenced: another writer has taken over.
    """
    outcome, middle = Outcome(), len(keys) // 2
    for half in filter(None, (keys[:middle], keys[middle:])):
        held.renew(version)
        try:
            outcome.add(write(graph, held.token, model.rows_of(half), version))
        except Refused as refusal:
            alone = len(half) == 1
            outcome.add(_parked(half[0], refusal) if alone else write_apart(graph, held, half, version))
    return outcome


def _parked(mark: Taken, refusal: Refused) -> Outcome:
    return Outcome(parked={mark.key: str(refusal)}, kinds=Counter([mark.kind]))
