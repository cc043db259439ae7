COPY (SELECT * FROM planted ORDER BY visit_id, con_visit_id) TO $1 (FORMAT parquet);
