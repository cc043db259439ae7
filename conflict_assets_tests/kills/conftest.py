from conflict_assets_tests.pg import make_store, pg_server, store_url

__all__ = ["make_store", "pg_server", "store_url"]
