-- Where the scenarios fall: blocks of ten days, of which a caregiver of several agencies works some in his share; in
-- each, four scenarios of two dates and then two ordinary days. Turns are dealt evenly, not by chance, so that every
-- share is kept whatever the size. Past scenarios end before the run's date.
CREATE OR REPLACE TEMP TABLE episodes AS
WITH turns AS (
    SELECT
        persons.*,
        blocks.block,
        floor(blocks.block * getvariable('block_share') + first_turn)::BIGINT AS turn,
        floor((blocks.block + 1) * getvariable('block_share') + first_turn)::BIGINT AS next_turn
    FROM persons, range(63) AS blocks(block)
    WHERE is_multi
),

slots AS (
    SELECT *, (10 * block + 2 * slot + phase - 600)::INTEGER AS day, person * 41 + (turn * 4 + slot) * 7 AS deal
    FROM turns, range(4) AS slots(slot)
    WHERE next_turn > turn
)

SELECT slots.person, slots.day, decks.scenario, decks.two_days
FROM slots
JOIN decks
    ON decks.past = (slots.day <= -5)
    AND decks.three_agencies = slots.three_agencies
    AND decks.card = slots.deal % decks.cards
UNION ALL
-- By hand: a visit of the last date before the window that reaches into it.
SELECT person, getvariable('window_day') - 1, 'overlap from before the window', TRUE
FROM persons
WHERE is_multi AND person % 8 = 0;

-- Dates that belong to a scenario alone.
CREATE OR REPLACE TEMP TABLE taken_days AS
SELECT person, day FROM episodes
UNION ALL
SELECT person, day + 1 FROM episodes WHERE two_days;
