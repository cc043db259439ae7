-- The cells of a result that stays in the warehouse, of those coarse ones that differ.
SELECT k.cell, k.visits, k.hash_sum
FROM TABLE(RESULT_SCAN(:kept)) AS k
JOIN TABLE(FLATTEN(INPUT => PARSE_JSON(:coarse_cells))) AS item
    ON item.VALUE::BIGINT
        = FLOOR(FLOOR(k.cell / :cells_a_bucket) / :buckets_together)::BIGINT * :cells_a_bucket
            + MOD(k.cell, :cells_a_bucket)
