-- The cells of a result that stays in the warehouse, several buckets of SSNs taken together: few enough to be fetched.
SELECT
    FLOOR(FLOOR(cell / :cells_a_bucket) / :buckets_together)::BIGINT * :cells_a_bucket + MOD(cell, :cells_a_bucket) AS cell,
    SUM(visits)::BIGINT AS visits,
    MOD(SUM(hash_sum), :modulus)::BIGINT AS hash_sum
FROM TABLE(RESULT_SCAN(:kept))
GROUP BY 1
