"""Boards of XP and reputation side by side, a board for each day, period and scope.

The application's `leaderboard_snapshots` knows no metric, so it cannot hold both; it is fed from here. Derived from the
ledgers, so nothing is lost when it goes.
"""

from alembic import op

revision = "community_0009"
down_revision = "community_0008"


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        CREATE TABLE leaderboard_entries (
            metric text NOT NULL,
            period text NOT NULL,
            scope text NOT NULL,
            period_start date NOT NULL,
            as_of date NOT NULL,
            user_id text NOT NULL,
            points bigint NOT NULL,
            rank integer NOT NULL,
            dense_rank integer NOT NULL,
            previous_rank integer,
            recorded_at timestamptz NOT NULL,
            CONSTRAINT leaderboard_entries_pkey PRIMARY KEY (as_of, metric, period, scope, user_id),
            CONSTRAINT leaderboard_entries_metric_check CHECK (metric IN ('xp', 'reputation')),
            CONSTRAINT leaderboard_entries_period_check CHECK (period IN ('DAILY', 'WEEKLY', 'MONTHLY', 'ALL_TIME')),
            CONSTRAINT leaderboard_entries_user_id_fkey FOREIGN KEY (user_id)
                REFERENCES users ("id") ON DELETE CASCADE ON UPDATE CASCADE
        )
        """
    )
    op.execute("CREATE INDEX leaderboard_entries_board_idx ON leaderboard_entries (metric, period, scope, as_of, rank)")
    op.execute("CREATE INDEX leaderboard_entries_user_id_idx ON leaderboard_entries (user_id)")


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("leaderboard_entries")
