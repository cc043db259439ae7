-- Chance without a random generator: every draw is a function of the seed and of what is drawn for, so that neither
-- the number of threads nor the size of a chunk changes a row.

-- 64 bits for an entity: exact but slow; for thousands of rows, not for millions.
CREATE TEMP MACRO roll(topic, number) AS
    md5_number_lower(concat_ws(':', getvariable('seed'), topic, number));

-- 32 bits from 32 bits, and from 32 bits and a number: two rounds of xor, shift and multiply within a BIGINT.
CREATE TEMP MACRO fold(x) AS xor(x, x >> 16);
CREATE TEMP MACRO scramble(x) AS (fold(x) * 73244475) & 4294967295;
CREATE TEMP MACRO mix(x) AS fold(scramble(scramble(x)));
CREATE TEMP MACRO blend(h, number) AS mix(xor(h, (number * 2654435761) & 4294967295));

-- A number from 0 to n - 1 out of the bits of h above `skip`.
CREATE TEMP MACRO part(h, skip, n) AS (h >> skip) % n;

-- Pick from a list by a number.
CREATE TEMP MACRO pick(items, number) AS items[1 + (number % len(items))::INTEGER];

-- Minutes from a day's midnight on the wall clock, as minutes that have passed. `shift` is what the clock gains at
-- `turn` (60 in autumn, -60 in spring, when the hour that is left out counts as its end).
CREATE TEMP MACRO turned(wall, turn, shift) AS
    CASE WHEN wall < turn THEN wall WHEN wall < turn - shift THEN turn ELSE wall + shift END;
CREATE TEMP MACRO passed(wall, today_shift, tomorrow_shift) AS
    CASE WHEN today_shift = 0 AND tomorrow_shift = 0 THEN wall
         WHEN today_shift <> 0 THEN turned(wall, 120, today_shift)
         ELSE turned(wall, 1560, tomorrow_shift) END;

-- An instant from a midnight (microseconds since 1970) and minutes and seconds that have passed.
CREATE TEMP MACRO instant(midnight, minutes, seconds) AS
    make_timestamptz(midnight + (minutes * 60 + seconds)::BIGINT * 1000000);

-- '09:30' as minutes from midnight; hours go beyond 24.
CREATE TEMP MACRO wall_minutes(clock) AS
    split_part(clock, ':', 1)::INTEGER * 60 + split_part(clock, ':', 2)::INTEGER;
CREATE TEMP MACRO begins(span) AS wall_minutes(nullif(split_part(span, '-', 1), ''));
CREATE TEMP MACRO ends(span) AS wall_minutes(nullif(split_part(span, '-', 2), ''));

-- Micro-degrees as a decimal degree.
CREATE TEMP MACRO degrees_of(micro) AS micro::DECIMAL(18, 0) * 0.000001::DECIMAL(7, 6);
