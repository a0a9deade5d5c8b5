"""How far each file has been imported."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the journal of imports."""
    op.create_table(
        "imported",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    )


def downgrade() -> None:
    """A record is never taken back to an older form; restore a copy instead."""
    raise NotImplementedError("a record cannot be downgraded")
