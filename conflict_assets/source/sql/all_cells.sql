-- The cells of a result that stays in the warehouse.
SELECT cell, visits, hash_sum FROM TABLE(RESULT_SCAN(:kept))
