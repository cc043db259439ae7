"""The migrations of the store's schema.

Alembic runs them through `conflict_assets.store.schema`.
"""
