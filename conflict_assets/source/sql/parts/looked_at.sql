-- The days of cells that a night looks at again: those of changed cells, and the two days before and after one, since whether
-- a day is contested depends on its neighbours.
changed AS (
    SELECT DISTINCT item.VALUE::BIGINT AS cell
    FROM TABLE(FLATTEN(INPUT => PARSE_JSON(:changed_cells))) AS item
),

neighbour AS (
    SELECT cell - 1 AS cell, :block_days - 2 AS first_day, :block_days - 1 AS last_day FROM changed
    UNION ALL
    SELECT cell + 1, 0, 1 FROM changed
),

looked_at AS (
    SELECT cell, 0 AS first_day, :block_days - 1 AS last_day FROM changed
    UNION ALL
    SELECT n.cell, n.first_day, n.last_day
    FROM neighbour AS n
    LEFT JOIN changed AS c ON c.cell = n.cell
    WHERE c.cell IS NULL
)
