"""The store's schema, step by step. Alembic runs it through `conflict_assets.store.schema`."""
